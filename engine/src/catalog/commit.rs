//! A commit publishes one snapshot: its files, its new data sources, and the end of their inbox.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::Connection;

use super::{Catalog, SnapshotFiles, SnapshotInfo};
use super::{data_sources, file_rows, inbox, snapshots};
use crate::catalog::connection::{execute, exists};
use crate::catalog::snapshots::{NewestFiles, newest_files};
use crate::error::Result;
use crate::files::{DataFile, NewFile};

/// Everything that one snapshot changes; it is published whole or not at all.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) snapshot: SnapshotInfo,
    pub(crate) files: Vec<NewFile>,
    /// The ids of the files that the snapshot no longer has; each is current.
    pub(crate) replaced_files: Vec<i64>,
    pub(crate) data_sources: Vec<String>,
    /// The requests up to this sequence are in the files, and leave the inbox.
    pub(crate) inbox_until: i64,
}

impl Catalog {
    /// Publishes a snapshot in one durable transaction, and returns it with its files.
    pub(crate) async fn commit(&self, commit: Commit) -> Result<SnapshotFiles> {
        let cache = Arc::clone(&self.newest_files);
        let published =
            self.connections.write(move |connection| write(connection, commit, &cache)).await?;
        self.newest_files.put(published.info.id, &published.files);
        Ok(published)
    }

    /// Waits for the end of a canceled transaction: it is carried through once it has begun.
    pub(crate) async fn settle(&self) -> Result<()> {
        self.connections.write(|_| Ok(())).await
    }

    /// Whether there is a snapshot with this number, once every transaction that has begun is over.
    pub(crate) async fn has_snapshot(&self, id: i64) -> Result<bool> {
        let sql = "select 1 from snapshot where id = ?1";
        self.connections.write(move |connection| exists(connection, sql, [id])).await
    }
}

fn write(connection: &Connection, commit: Commit, cache: &NewestFiles) -> Result<SnapshotFiles> {
    let id = commit.snapshot.id;
    let before = newest_files(connection, cache, id - 1)?;
    let info = snapshots::insert(connection, &commit.snapshot)?;
    for file in &commit.replaced_files {
        file_rows::end(connection, *file, id)?;
    }
    let replaced: HashSet<i64> = commit.replaced_files.into_iter().collect();
    let remaining = before.iter().filter(|file| !replaced.contains(&file.id));
    let mut files: Vec<DataFile> = remaining.cloned().collect();
    for file in commit.files {
        files.push(file_rows::insert(connection, file, id)?);
    }
    let at = info.committed_at.timestamp_micros();
    for source in &commit.data_sources {
        execute(connection, data_sources::ADD_DATA_SOURCE, (source, at))?;
    }
    inbox::empty_until(connection, commit.inbox_until)?;
    Ok(SnapshotFiles { info, files: files.into() })
}
