//! The key with which credentials are encrypted: 32 bytes of a file that is not in backups.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};

use super::failure::Failure;

/// The file's name in the data directory.
const FILE: &str = "secret.key";

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// What sealed bytes begin with: how they were sealed.
const SEALED_V1: u8 = 1;

/// The longest file that is read: a key in hexadecimal digits, and room for line ends.
const FILE_BYTES_MAX: u64 = 128;

/// Where the key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyFile {
    /// A file that the operator has made.
    Named(PathBuf),
    /// The one in the data directory; made when it is first needed.
    Ours(PathBuf),
}

/// The key itself.
pub(super) struct SecretKey {
    cipher: XChaCha20Poly1305,
    file: PathBuf,
}

impl KeyFile {
    pub(super) fn new(named: Option<&Path>, data_dir: &Path) -> KeyFile {
        match named {
            Some(path) => KeyFile::Named(path.to_path_buf()),
            None => KeyFile::Ours(data_dir.join(FILE)),
        }
    }

    /// Reads the key.
    pub(super) fn read(&self) -> Result<SecretKey, Failure> {
        let path = self.path();
        match read_key(path) {
            Ok(Some(key)) => Ok(SecretKey {
                cipher: XChaCha20Poly1305::new(&Key::from(key)),
                file: path.to_path_buf(),
            }),
            Ok(None) => Err(self.missing()),
            Err(message) => Err(Failure::new("secret_key", message)),
        }
    }

    /// Reads the key, or makes it of the random bytes if it is ours to make.
    pub(super) fn read_or_make(&self, random: [u8; KEY_BYTES]) -> Result<SecretKey, Failure> {
        if let KeyFile::Ours(path) = self {
            make(path, random).map_err(|error| {
                Failure::new(
                    "secret_key",
                    format!("make the key file \"{}\": {error}", path.display()),
                )
            })?;
        }
        self.read()
    }

    fn path(&self) -> &Path {
        match self {
            KeyFile::Named(path) | KeyFile::Ours(path) => path,
        }
    }

    fn missing(&self) -> Failure {
        let path = self.path().display();
        let message = match self {
            KeyFile::Named(_) => format!(
                "the key file \"{path}\" is not there; put it back, or make one: (umask 077; openssl rand -hex 32 > \"{path}\")"
            ),
            KeyFile::Ours(_) => format!(
                "the key file \"{path}\" is not there, and backups have none; put it back, or configure the pull again with its credentials"
            ),
        };
        Failure::new("secret_key", message)
    }
}

impl SecretKey {
    /// Encrypts a secret of a data source; it can be opened for no other one.
    pub(super) fn seal(
        &self,
        data_source: &str,
        secret: &[u8],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Vec<u8>, Failure> {
        let payload = Payload { msg: secret, aad: data_source.as_bytes() };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| {
            Failure::new("secret_key", "the credentials are too long to be encrypted; shorten them")
        })?;
        Ok([&[SEALED_V1], nonce.as_slice(), sealed.as_slice()].concat())
    }

    /// Decrypts what was sealed for a data source.
    pub(super) fn open(&self, data_source: &str, sealed: &[u8]) -> Result<Vec<u8>, Failure> {
        let opened = match sealed {
            [SEALED_V1, rest @ ..] => {
                rest.split_first_chunk::<NONCE_BYTES>().and_then(|(nonce, sealed)| {
                    let payload = Payload { msg: sealed, aad: data_source.as_bytes() };
                    self.cipher.decrypt(&XNonce::from(*nonce), payload).ok()
                })
            }
            _ => None,
        };
        opened.ok_or_else(|| {
            let message = format!(
                "the credentials cannot be decrypted with the key in \"{}\": it is not the key with which they were encrypted; put that one \
                 back, or configure the pull again with its credentials",
                self.file.display()
            );
            Failure::new("secret_key", message)
        })
    }
}

/// The key in a file; none when there is no file.
fn read_key(path: &Path) -> Result<Option<[u8; KEY_BYTES]>, String> {
    let shown = path.display();
    let told = |error: io::Error| format!("read the key file \"{shown}\": {error}");
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(told(error)),
    };
    let about = file.metadata().map_err(told)?;
    if !about.is_file() {
        return Err(format!(
            "the key file \"{shown}\" is no file; name a file with 32 random bytes"
        ));
    }
    if is_open_to_others(&about) {
        return Err(format!(
            "the key file \"{shown}\" is open to other users; chmod 600 \"{shown}\""
        ));
    }
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, FILE_BYTES_MAX), &mut bytes).map_err(told)?;
    let key = key_of(&bytes).ok_or_else(|| {
        format!("the key file \"{shown}\" does not hold 32 bytes, plain, in hexadecimal digits or in base64; openssl rand -hex 32 makes some")
    })?;
    Ok(Some(key))
}

/// Whether others may read a file, or the group change it. That the group reads it is how some
/// systems hand out secrets.
#[cfg(unix)]
fn is_open_to_others(about: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o027 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &fs::Metadata) -> bool {
    false
}

/// 32 bytes as they are, in hexadecimal digits, or in base64.
fn key_of(bytes: &[u8]) -> Option<[u8; KEY_BYTES]> {
    if let Ok(key) = bytes.try_into() {
        return Some(key);
    }
    let text = std::str::from_utf8(bytes).ok()?.trim();
    if text.len() == 2 * KEY_BYTES && text.is_ascii() {
        let mut key = [0; KEY_BYTES];
        for (at, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        return Some(key);
    }
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// Makes the file with all of its bytes, unless there is one; nobody else may read it.
fn make(path: &Path, key: [u8; KEY_BYTES]) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file is made with the mode 0600.
    let mut file = tempfile::Builder::new().prefix(FILE).suffix(".tmp").tempfile_in(dir)?;
    file.write_all(&key)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => File::open(dir)?.sync_all(),
        // Somebody else has made it meanwhile.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn ours(dir: &Path) -> KeyFile {
        KeyFile::new(None, dir)
    }

    fn refusal(key: Result<SecretKey, Failure>) -> String {
        key.err().unwrap().message
    }

    #[test]
    fn what_is_sealed_is_opened_for_its_data_source_and_with_its_key_only() {
        let dir = tempfile::tempdir().unwrap();
        let key = ours(dir.path()).read_or_make([7; 32]).unwrap();
        let sealed = key.seal("ds_1", b"s3cret", [1; 24]).unwrap();
        assert!(!sealed.windows(6).any(|bytes| bytes == b"s3cret"));
        assert_eq!(key.open("ds_1", &sealed).unwrap(), b"s3cret");
        assert!(key.open("ds_2", &sealed).is_err());
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        for damaged in [&changed[..], &sealed[..20], &[], &[2]] {
            assert!(key.open("ds_1", damaged).unwrap_err().message.contains("cannot be decrypted"));
        }
        let other = tempfile::tempdir().unwrap();
        let other = ours(other.path()).read_or_make([8; 32]).unwrap();
        assert!(other.open("ds_1", &sealed).is_err());
    }

    #[test]
    fn our_key_file_is_made_once_and_for_us_alone() {
        let dir = tempfile::tempdir().unwrap();
        assert!(refusal(ours(dir.path()).read()).contains("backups have none"));
        ours(dir.path()).read_or_make([7; 32]).unwrap();
        ours(dir.path()).read_or_make([8; 32]).unwrap();
        let path = dir.path().join(FILE);
        assert_eq!(fs::read(&path).unwrap(), [7; 32]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_named_key_file_is_read_in_three_spellings_and_never_made() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let named = KeyFile::new(Some(&path), dir.path());
        assert!(refusal(named.read_or_make([7; 32])).contains("openssl rand -hex 32"));
        let hex = "07".repeat(32) + "\n";
        let base64 = STANDARD.encode([7; 32]) + "\n";
        for content in [&[7u8; 32][..], hex.as_bytes(), base64.as_bytes()] {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let key = named.read_or_make([8; 32]).unwrap();
            let same = ours(tempfile::tempdir().unwrap().path()).read_or_make([7; 32]).unwrap();
            assert_eq!(key.open("a", &same.seal("a", b"x", [0; 24]).unwrap()).unwrap(), b"x");
        }
        for content in [&[7u8; 31][..], &[7; 33], b"", "zz".repeat(32).as_bytes()] {
            fs::write(&path, content).unwrap();
            assert!(refusal(named.read()).contains("does not hold 32 bytes"));
        }
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, [7; 32]).unwrap();
        let named = KeyFile::new(Some(&path), dir.path());
        for (mode, is_refused) in [
            (0o644, true),
            (0o604, true),
            (0o620, true),
            (0o640, false),
            (0o600, false),
            (0o400, false),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let read = named.read();
            assert_eq!(read.is_err(), is_refused, "{mode:o}");
            if is_refused {
                assert!(refusal(read).contains("chmod 600"));
            }
        }
    }
}
