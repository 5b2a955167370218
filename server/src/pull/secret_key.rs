//! The key that encrypts credentials: 32 bytes in a file that backups leave out.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};

use super::sync_failure::SyncFailure;

/// The file's name in the data directory.
const FILE_NAME: &str = "secret.key";

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// The first sealed byte: the version of the form.
const FORM_V1: u8 = 1;

/// The longest key file: hexadecimal digits and line ends.
const FILE_BYTES_MAX: u64 = 128;

/// The file of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyFile {
    /// A file that the operator configures and creates.
    Configured(PathBuf),
    /// The file in the data directory, which is created with the first credentials.
    Default(PathBuf),
}

/// The key, ready to encrypt and decrypt.
pub(super) struct SecretKey {
    cipher: XChaCha20Poly1305,
    file: PathBuf,
}

impl KeyFile {
    pub(super) fn new(configured: Option<&Path>, data_dir: &Path) -> KeyFile {
        match configured {
            Some(path) => KeyFile::Configured(path.to_path_buf()),
            None => KeyFile::Default(data_dir.join(FILE_NAME)),
        }
    }

    /// Reads the key.
    pub(super) fn read(&self) -> Result<SecretKey, SyncFailure> {
        let path = self.path();
        match read_key(path) {
            Ok(Some(key)) => Ok(SecretKey {
                cipher: XChaCha20Poly1305::new(&Key::from(key)),
                file: path.to_path_buf(),
            }),
            Ok(None) => Err(self.missing()),
            Err(message) => Err(SyncFailure::new("secret_key", message)),
        }
    }

    /// Reads the key. If the default file is missing, creates it with the random bytes.
    pub(super) fn read_or_create(&self, random: [u8; KEY_BYTES]) -> Result<SecretKey, SyncFailure> {
        if let KeyFile::Default(path) = self {
            create(path, random).map_err(|error| {
                SyncFailure::new(
                    "secret_key",
                    format!("create the key file \"{}\": {error}", path.display()),
                )
            })?;
        }
        self.read()
    }

    fn path(&self) -> &Path {
        match self {
            KeyFile::Configured(path) | KeyFile::Default(path) => path,
        }
    }

    fn missing(&self) -> SyncFailure {
        let path = self.path().display();
        let message = match self {
            KeyFile::Configured(_) => format!(
                "the key file \"{path}\" is missing; put it back, or create one: (umask 077; \
                 openssl rand -hex 32 > \"{path}\")"
            ),
            KeyFile::Default(_) => format!(
                "the key file \"{path}\" is missing, and backups do not contain it; put it back, \
                 or configure the pull again with its credentials"
            ),
        };
        SyncFailure::new("secret_key", message)
    }
}

impl SecretKey {
    /// Encrypts a secret of a data source, which is authenticated with it.
    pub(super) fn seal(
        &self,
        data_source: &str,
        secret: &[u8],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Vec<u8>, SyncFailure> {
        let payload = Payload { msg: secret, aad: data_source.as_bytes() };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| {
            SyncFailure::new(
                "secret_key",
                "the credentials are too long to be encrypted; shorten them",
            )
        })?;
        Ok([&[FORM_V1], nonce.as_slice(), sealed.as_slice()].concat())
    }

    /// Decrypts a secret of a data source.
    pub(super) fn open(&self, data_source: &str, sealed: &[u8]) -> Result<Vec<u8>, SyncFailure> {
        let opened = match sealed {
            [FORM_V1, rest @ ..] => {
                rest.split_first_chunk::<NONCE_BYTES>().and_then(|(nonce, sealed)| {
                    let payload = Payload { msg: sealed, aad: data_source.as_bytes() };
                    self.cipher.decrypt(&XNonce::from(*nonce), payload).ok()
                })
            }
            _ => None,
        };
        opened.ok_or_else(|| {
            let message = format!(
                "the credentials cannot be decrypted with the key in \"{}\": they were encrypted \
                 with another key; put that one back, or configure the pull again with its \
                 credentials",
                self.file.display()
            );
            SyncFailure::new("secret_key", message)
        })
    }
}

/// The key in a file; none if the file is missing.
fn read_key(path: &Path) -> Result<Option<[u8; KEY_BYTES]>, String> {
    let shown = path.display();
    let read_error = |error: io::Error| format!("read the key file \"{shown}\": {error}");
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(read_error(error)),
    };
    let metadata = file.metadata().map_err(read_error)?;
    if !metadata.is_file() {
        return Err(format!(
            "the key file \"{shown}\" is not a file; name a file with 32 random bytes"
        ));
    }
    if is_open_to_others(&metadata) {
        return Err(format!(
            "the key file \"{shown}\" is open to other users; chmod 600 \"{shown}\""
        ));
    }
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, FILE_BYTES_MAX), &mut bytes)
        .map_err(read_error)?;
    let key = key_of(&bytes).ok_or_else(|| {
        format!(
            "the key file \"{shown}\" does not hold 32 bytes, plain, in hexadecimal digits or \
                 in base64; create them with openssl rand -hex 32"
        )
    })?;
    Ok(Some(key))
}

/// Whether others may read a file, or its group may write it. Its group may read it, because some
/// systems mount secrets that way.
#[cfg(unix)]
fn is_open_to_others(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o027 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &fs::Metadata) -> bool {
    false
}

/// The key in plain bytes, hexadecimal digits, or base64.
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

/// Creates the file atomically, unless it exists, readable by its owner only.
fn create(path: &Path, key: [u8; KEY_BYTES]) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // tempfile creates files with the mode 0600.
    let mut file = tempfile::Builder::new().prefix(FILE_NAME).suffix(".tmp").tempfile_in(dir)?;
    file.write_all(&key)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => File::open(dir)?.sync_all(),
        // Another process created it meanwhile.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn default_file(dir: &Path) -> KeyFile {
        KeyFile::new(None, dir)
    }

    fn error_of(key: Result<SecretKey, SyncFailure>) -> String {
        key.err().unwrap().message
    }

    #[test]
    fn sealed_secret_opens_only_with_its_key_and_data_source() {
        let dir = tempfile::tempdir().unwrap();
        let key = default_file(dir.path()).read_or_create([7; 32]).unwrap();
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
        let other = default_file(other.path()).read_or_create([8; 32]).unwrap();
        assert!(other.open("ds_1", &sealed).is_err());
    }

    #[test]
    fn default_key_file_is_created_once_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        assert!(error_of(default_file(dir.path()).read()).contains("backups do not contain it"));
        default_file(dir.path()).read_or_create([7; 32]).unwrap();
        default_file(dir.path()).read_or_create([8; 32]).unwrap();
        let path = dir.path().join(FILE_NAME);
        assert_eq!(fs::read(&path).unwrap(), [7; 32]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn configured_key_file_has_three_forms_and_is_never_created() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let configured = KeyFile::new(Some(&path), dir.path());
        assert!(error_of(configured.read_or_create([7; 32])).contains("openssl rand -hex 32"));
        let hex = "07".repeat(32) + "\n";
        let base64 = STANDARD.encode([7; 32]) + "\n";
        for content in [&[7u8; 32][..], hex.as_bytes(), base64.as_bytes()] {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let key = configured.read_or_create([8; 32]).unwrap();
            let same =
                default_file(tempfile::tempdir().unwrap().path()).read_or_create([7; 32]).unwrap();
            assert_eq!(key.open("a", &same.seal("a", b"x", [0; 24]).unwrap()).unwrap(), b"x");
        }
        for content in [&[7u8; 31][..], &[7; 33], b"", "zz".repeat(32).as_bytes()] {
            fs::write(&path, content).unwrap();
            assert!(error_of(configured.read()).contains("does not hold 32 bytes"));
        }
    }

    #[test]
    fn key_file_that_others_may_read_is_rejected() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, [7; 32]).unwrap();
        let configured = KeyFile::new(Some(&path), dir.path());
        for (mode, is_rejected) in [
            (0o644, true),
            (0o604, true),
            (0o620, true),
            (0o640, false),
            (0o600, false),
            (0o400, false),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let read = configured.read();
            assert_eq!(read.is_err(), is_rejected, "{mode:o}");
            if is_rejected {
                assert!(error_of(read).contains("chmod 600"));
            }
        }
    }
}
