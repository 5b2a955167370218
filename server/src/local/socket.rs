//! The socket in the data directory, and how it is named where its path is longer than a socket's
//! may be.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use mrrow_engine::Engine;

/// The longest path that the address of a socket takes everywhere (unix(7): 108 bytes with the
/// zero; 104 on some systems).
const PATH_BYTES_MAX: usize = 103;

/// A socket that is listened on; it goes when it is dropped.
pub(crate) struct LocalSocket {
    listener: UnixListener,
    path: PathBuf,
}

/// Removes the socket, when nobody listens any more.
pub(crate) struct Removed(PathBuf);

impl LocalSocket {
    /// Listens in the engine's directory, in the place of a server that is gone: this process holds
    /// the directory.
    pub(crate) fn bind(engine: &Engine) -> io::Result<LocalSocket> {
        // Where nobody else looks in, until only its owner may use it.
        let hidden = engine.new_staging().map_err(io::Error::other)?;
        let first = hidden.path().join("s");
        let listener = UnixListener::bind(Address::of(&first)?.path())?;
        fs::set_permissions(&first, Permissions::from_mode(0o600))?;
        let path = engine.server_socket();
        fs::rename(&first, &path)?;
        Ok(LocalSocket { listener, path })
    }

    /// The listener, and what removes the socket when it is dropped.
    pub(crate) fn into_parts(self) -> (UnixListener, Removed) {
        (self.listener, Removed(self.path))
    }
}

impl Drop for Removed {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!(%error, socket = %self.0.display(), "remove the socket; the next server replaces it");
        }
    }
}

/// A path that the address of a socket can hold.
pub(super) struct Address {
    path: PathBuf,
    /// The directory that a short path goes through; open as long as that is used.
    _dir: Option<File>,
}

impl Address {
    /// The path itself or, where it is too long, one through its opened directory.
    pub(super) fn of(path: &Path) -> io::Result<Address> {
        if path.as_os_str().len() <= PATH_BYTES_MAX {
            return Ok(Address { path: path.to_path_buf(), _dir: None });
        }
        shortened(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(target_os = "linux")]
fn shortened(path: &Path) -> io::Result<Address> {
    use std::os::fd::AsRawFd;

    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(too_long(path));
    };
    let dir = File::open(dir)?;
    let path = Path::new("/proc/self/fd").join(dir.as_raw_fd().to_string()).join(name);
    Ok(Address { path, _dir: Some(dir) })
}

#[cfg(not(target_os = "linux"))]
fn shortened(path: &Path) -> io::Result<Address> {
    Err(too_long(path))
}

fn too_long(path: &Path) -> io::Error {
    let message = format!(
        "\"{}\" is longer than the {PATH_BYTES_MAX} bytes of a socket's path",
        path.display()
    );
    io::Error::new(io::ErrorKind::InvalidInput, message)
}
