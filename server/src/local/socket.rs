//! The socket in the data directory, and an address for a path that is too long for a socket.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use mrrow_engine::Engine;

/// The longest path of a socket address: 108 bytes with the terminating zero on Linux (unix(7)),
/// 104 on some systems.
const PATH_BYTES_MAX: usize = 103;

/// The socket on which the server listens.
pub(crate) struct LocalSocket {
    listener: UnixListener,
    path: PathBuf,
}

/// Removes the socket's file when it is dropped.
pub(crate) struct SocketFile(PathBuf);

impl LocalSocket {
    /// Listens in the engine's directory. Replaces the socket of a dead server: this process holds
    /// the directory, so no other server runs.
    pub(crate) fn bind(engine: &Engine) -> io::Result<LocalSocket> {
        // A socket is created with open permissions: create it in a private directory.
        let hidden = engine.new_staging().map_err(io::Error::other)?;
        let first = hidden.path().join("s");
        let listener = UnixListener::bind(SocketAddress::of(&first)?.path())?;
        fs::set_permissions(&first, Permissions::from_mode(0o600))?;
        let path = engine.server_socket();
        fs::rename(&first, &path)?;
        Ok(LocalSocket { listener, path })
    }

    /// The listener, and the guard of the socket's file.
    pub(crate) fn into_parts(self) -> (UnixListener, SocketFile) {
        (self.listener, SocketFile(self.path))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!(
                %error,
                socket = %self.0.display(),
                "remove the socket; the next server replaces it"
            );
        }
    }
}

/// A path that fits into the address of a socket.
pub(super) struct SocketAddress {
    path: PathBuf,
    /// The directory of a shortened path, which needs it open.
    _dir: Option<File>,
}

impl SocketAddress {
    /// The path itself; if it is too long, a path through a descriptor of its directory.
    pub(super) fn of(path: &Path) -> io::Result<SocketAddress> {
        if path.as_os_str().len() <= PATH_BYTES_MAX {
            return Ok(SocketAddress { path: path.to_path_buf(), _dir: None });
        }
        shortened(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(target_os = "linux")]
fn shortened(path: &Path) -> io::Result<SocketAddress> {
    use std::os::fd::AsRawFd;

    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(too_long(path));
    };
    let dir = File::open(dir)?;
    let path = Path::new("/proc/self/fd").join(dir.as_raw_fd().to_string()).join(name);
    Ok(SocketAddress { path, _dir: Some(dir) })
}

#[cfg(not(target_os = "linux"))]
fn shortened(path: &Path) -> io::Result<SocketAddress> {
    Err(too_long(path))
}

fn too_long(path: &Path) -> io::Error {
    let message = format!(
        "\"{}\" is longer than the {PATH_BYTES_MAX} bytes of a socket's path",
        path.display()
    );
    io::Error::new(io::ErrorKind::InvalidInput, message)
}
