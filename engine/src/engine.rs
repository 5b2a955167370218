//! The face of the engine: every public method of [`Engine`], each a line or few into a room.

mod accounts;
mod reads;
mod settings;
mod writes;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::write::{Writer, recover};

/// One opened data directory. Any number of processes may read; the first that writes holds it for
/// writing until it closes.
///
/// Once it has written, it also works beside its calls: it publishes acknowledged pushes, moves the
/// day, and compacts files. [`Engine::close`] ends that. An engine that is dropped loses nothing:
/// acknowledged pushes are published when the directory is opened next.
pub struct Engine {
    store: Arc<Store>,
    writer: Mutex<Option<Arc<Writer>>>,
}

impl Engine {
    /// Opens a data directory, and creates it if it is missing. Acknowledged rows and settings that
    /// an ended writer has left are published first. If that fails, published snapshots can be
    /// read, and the next writer tries again.
    ///
    /// # Errors
    /// When the directory or its catalog cannot be read or created.
    pub async fn open(config: Config) -> Result<Engine> {
        let store = Arc::new(Store::open(config).await?);
        recover(&store).await?;
        Ok(Engine { store, writer: Mutex::new(None) })
    }

    /// Publishes acknowledged rows, closes the catalog and releases the writer's lock.
    ///
    /// # Errors
    /// When the last publication fails; acknowledged rows are published when the directory is
    /// opened next.
    pub async fn close(self) -> Result<()> {
        let closed = match self.writer.into_inner() {
            Some(writer) => writer.close().await,
            None => Ok(()),
        };
        self.store.catalog.close().await;
        closed
    }

    /// The current time of this engine.
    pub fn now(&self) -> DateTime<Utc> {
        self.store.now()
    }

    /// The data directory, as a full path.
    pub fn data_dir(&self) -> &Path {
        self.store.directory.root()
    }

    /// The socket in the data directory at which a server that holds it serves the command line.
    pub fn server_socket(&self) -> PathBuf {
        self.store.directory.server_socket()
    }

    /// A new directory inside the data directory for files that are received, readable by this user
    /// alone. It is removed when it is dropped. The next writer sweeps those of an ended process;
    /// only the writer may create one.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn new_staging(&self) -> Result<TempDir> {
        self.store.directory.new_staging()
    }

    /// Takes the directory for writing before the first write.
    ///
    /// # Errors
    /// When another process writes.
    pub async fn start_writing(&self) -> Result<()> {
        self.writer().await.map(|_| ())
    }

    /// Whether a push would be acknowledged: this process writes, the catalog answers, and the inbox
    /// has space.
    ///
    /// # Errors
    /// Why not.
    pub async fn ready(&self) -> Result<()> {
        let writer = self.writer().await?;
        self.store.catalog.inbox_end().await?;
        if writer.has_room() { Ok(()) } else { Err(Error::Overloaded) }
    }

    /// The writer; this engine becomes it with its first write.
    async fn writer(&self) -> Result<Arc<Writer>> {
        let mut writer = self.writer.lock().await;
        if let Some(writer) = writer.as_ref() {
            return Ok(Arc::clone(writer));
        }
        let started = Arc::new(Writer::start(&self.store).await?);
        *writer = Some(Arc::clone(&started));
        Ok(started)
    }
}
