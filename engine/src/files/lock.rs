//! One writer: a lock on a file in the data directory. The system releases it when its process
//! ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::{Error, Result};

const FILE_NAME: &str = "writer.lock";

/// How long a writer waits for a process that holds the lock for a moment only: one that reads the
/// holder, or publishes the rows of an earlier process.
const PATIENCE: Duration = Duration::from_millis(500);
const RETRY_AFTER: Duration = Duration::from_millis(10);

/// Held by the one process that may write a data directory.
#[derive(Debug)]
pub(crate) struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes the lock, and waits for a process that holds it for a moment.
    pub(crate) async fn take_soon(dir: &Path) -> Result<WriterLock> {
        let until = Instant::now() + PATIENCE;
        loop {
            match WriterLock::take(dir) {
                Err(Error::WriterBusy { .. }) if Instant::now() < until => sleep(RETRY_AFTER).await,
                taken => return taken,
            }
        }
    }

    /// Takes the lock.
    ///
    /// # Errors
    /// When another process holds it; the error has its id.
    pub(crate) fn take(dir: &Path) -> Result<WriterLock> {
        let path = dir.join(FILE_NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(Error::file("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(busy(dir, &mut file)),
            Err(TryLockError::Error(source)) => return Err(Error::file("lock", &path)(source)),
        }
        file.set_len(0).map_err(Error::file("write", &path))?;
        write!(file, "{}", std::process::id()).map_err(Error::file("write", &path))?;
        Ok(WriterLock { _file: file })
    }
}

/// The id of the process that holds the lock of a data directory.
pub(super) fn holder(dir: &Path) -> Result<Option<String>> {
    let path = dir.join(FILE_NAME);
    let Ok(mut file) = OpenOptions::new().read(true).write(true).open(&path) else {
        return Ok(None);
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid).map_err(Error::file("read", &path))?;
            Ok(Some(pid))
        }
        Err(TryLockError::Error(source)) => Err(Error::file("lock", &path)(source)),
    }
}

fn busy(dir: &Path, file: &mut File) -> Error {
    let mut pid = String::new();
    if file.read_to_string(&mut pid).is_err() || pid.is_empty() {
        pid = "unknown".to_string();
    }
    Error::WriterBusy { dir: dir.to_path_buf(), pid }
}
