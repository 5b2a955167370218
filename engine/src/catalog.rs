//! The catalog: one SQLite file, whose transactions are those of the store.

mod connection;
mod migrations;

mod file_rows;
mod snapshots;

mod data_sources;
mod idempotency;
mod keys;
mod plan_groups;

mod jobs;
mod settings;

mod commit;
mod inbox;

mod wal;
mod retention;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::Row;

use crate::error::{Error, Result};
use connection::Connections;
use snapshots::NewestFiles;

pub(crate) use commit::Commit;
pub(crate) use idempotency::RememberedAnswer;
pub(crate) use inbox::{Acknowledgement, InboxConnection, InboxRows};
pub(crate) use snapshots::{SnapshotFiles, SnapshotInfo};

/// The catalog of one data directory.
#[derive(Debug, Clone)]
pub(crate) struct Catalog {
    path: PathBuf,
    connections: Arc<Connections>,
    newest_files: Arc<NewestFiles>,
}

/// Counts of the whole catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CatalogCounts {
    /// Retained snapshots.
    pub(crate) snapshots: u64,
    /// Files that they consist of.
    pub(crate) files: u64,
    /// Acknowledged rows that are not yet published.
    pub(crate) waiting_rows: u64,
}

impl Catalog {
    /// Opens the catalog, and creates or migrates its tables.
    ///
    /// # Errors
    /// When a newer program wrote it ([`Error::NewerStore`]), another process writes while it has
    /// to be migrated, or the disk fails.
    pub(crate) async fn open(path: &Path) -> Result<Catalog> {
        let path = path.to_path_buf();
        unblocked("open", move || {
            // Of two processes that open a new directory at once, one creates the tables.
            let _lock = open_lock(&path.with_file_name("open.lock"))?;
            let mut first = connection::connect(&path)?;
            migrations::migrate(&mut first, &path)?;
            let connections = Arc::new(Connections::open(&path, first)?);
            Ok(Catalog { path, connections, newest_files: Arc::default() })
        })
        .await
    }

    /// Closes the connections once their calls are done; later calls fail.
    pub(crate) async fn close(&self) {
        let connections = Arc::clone(&self.connections);
        let closed = unblocked("close", move || {
            connections.close();
            Ok(())
        });
        // Everything that was committed is durable, however the connections end.
        let _ = closed.await;
    }

    /// How much the catalog names.
    pub(crate) async fn counts(&self) -> Result<CatalogCounts> {
        let sql = "select (select count(*) from snapshot),
                          (select count(*) from data_file),
                          (select coalesce(sum(last_sequence - first_sequence + 1), 0) from inbox)";
        self.connections
            .read(move |connection| {
                let counts = connection::first(connection, sql, [], |row| {
                    let [snapshots, files, waiting_rows] =
                        [row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?].map(|count| count as u64);
                    Ok(CatalogCounts { snapshots, files, waiting_rows })
                })?;
                counts.ok_or_else(|| Error::Internal("the catalog has no counts".to_string()))
            })
            .await
    }
}

/// Runs blocking work on a thread that may block.
async fn unblocked<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Internal(format!("{what} the catalog: {error}")))?
}

/// Waits for the lock under which a catalog is opened.
fn open_lock(path: &Path) -> Result<File> {
    let file = File::create(path).map_err(Error::file("create", path))?;
    file.lock().map_err(Error::file("lock", path))?;
    Ok(file)
}

/// The instant in a column of microseconds since 1970.
fn instant(row: &Row<'_>, column: &str) -> Result<DateTime<Utc>> {
    Ok(instant_of(row.get(column)?))
}

/// The instant in a column of microseconds since 1970 that may be null.
fn optional_instant(row: &Row<'_>, column: &str) -> Result<Option<DateTime<Utc>>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(instant_of))
}

fn instant_of(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}
