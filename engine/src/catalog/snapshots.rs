//! The snapshots of the catalog: what each was made with, and which one an instant saw.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Connection, Row, params};

use super::{Catalog, instant};
use crate::catalog::connection::{all, first};
use crate::catalog::file_rows::files_of;
use crate::catalog::settings::{settings_of, settings_text, unreadable};
use crate::error::{Error, Result};
use crate::files::DataFile;
use crate::model::{Past, Settings};

/// What a snapshot was made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SnapshotInfo {
    pub(crate) id: i64,
    pub(crate) committed_at: DateTime<Utc>,
    pub(crate) as_of: NaiveDate,
    pub(crate) settings: Settings,
    /// Its first new row; past `last_sequence` when it has none.
    pub(crate) first_sequence: i64,
    /// All rows up to this sequence are in it.
    pub(crate) last_sequence: i64,
    pub(crate) last_refresh: i64,
    /// push, import, settings, day or compaction.
    pub(crate) cause: String,
    /// Whether all of its files are still there.
    pub(crate) files_kept: bool,
}

/// A snapshot and those of its files that are still named.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotFiles {
    pub(crate) info: SnapshotInfo,
    pub(crate) files: Arc<[DataFile]>,
}

/// A cache of the files of the newest snapshot. Files of a current snapshot never change, so an
/// entry is valid as long as its snapshot is the newest.
#[derive(Debug, Default)]
pub(super) struct NewestFiles(Mutex<Option<(i64, Arc<[DataFile]>)>>);

impl NewestFiles {
    pub(super) fn get(&self, snapshot: i64) -> Option<Arc<[DataFile]>> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, files) = cached.as_ref().filter(|(of, _)| *of == snapshot)?;
        Some(Arc::clone(files))
    }

    pub(super) fn put(&self, snapshot: i64, files: &Arc<[DataFile]>) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.as_ref().is_none_or(|(of, _)| *of < snapshot) {
            *cached = Some((snapshot, Arc::clone(files)));
        }
    }
}

impl Catalog {
    /// The newest snapshot and its files. Only the first call after a commit of another process
    /// reads the list of files.
    pub(crate) async fn pin(&self) -> Result<Option<SnapshotFiles>> {
        let cache = Arc::clone(&self.newest_files);
        self.connections
            .read(move |connection| {
                let Some(info) = newest(connection)? else { return Ok(None) };
                let files = newest_files(connection, &cache, info.id)?;
                Ok(Some(SnapshotFiles { info, files }))
            })
            .await
    }

    /// The newest snapshot without its files.
    pub(crate) async fn newest(&self) -> Result<Option<SnapshotInfo>> {
        self.connections.read(newest).await
    }

    /// The retained snapshots, oldest first.
    pub(crate) async fn snapshots(&self) -> Result<Vec<SnapshotInfo>> {
        let sql = "select * from snapshot order by id";
        self.connections.read(|connection| all(connection, sql, [], snapshot_info)).await
    }

    /// The retained snapshot of a moment with its files, and the snapshot that is retained after
    /// it.
    pub(crate) async fn snapshots_at(
        &self,
        past: Past,
    ) -> Result<(Option<SnapshotFiles>, Option<SnapshotInfo>)> {
        let (before, after, value) = match past {
            Past::Snapshot(id) => (
                "select * from snapshot where id <= ?1 order by id desc limit 1",
                "select * from snapshot where id > ?1 order by id limit 1",
                id,
            ),
            Past::KnownAt(instant) => (
                "select * from snapshot where committed_at <= ?1 order by id desc limit 1",
                "select * from snapshot where committed_at > ?1 order by id limit 1",
                instant.timestamp_micros(),
            ),
        };
        self.connections
            .read(move |connection| {
                let after = first(connection, after, [value], snapshot_info)?;
                let before = first(connection, before, [value], snapshot_info)?;
                let before = before.map(|info| {
                    let files = files_of(connection, info.id)?.into();
                    Ok::<_, Error>(SnapshotFiles { info, files })
                });
                Ok((before.transpose()?, after))
            })
            .await
    }
}

pub(super) fn newest(connection: &Connection) -> Result<Option<SnapshotInfo>> {
    first(connection, "select * from snapshot order by id desc limit 1", [], snapshot_info)
}

/// The files of the newest snapshot, from the cache if it has them.
pub(super) fn newest_files(
    connection: &Connection,
    cache: &NewestFiles,
    newest: i64,
) -> Result<Arc<[DataFile]>> {
    if let Some(files) = cache.get(newest) {
        return Ok(files);
    }
    let files = files_of(connection, newest)?.into();
    cache.put(newest, &files);
    Ok(files)
}

/// Adds a snapshot; its instant follows those of all others, whatever the clock does.
pub(super) fn insert(connection: &Connection, snapshot: &SnapshotInfo) -> Result<SnapshotInfo> {
    let sql = "insert into snapshot
      (id, committed_at, as_of, settings, first_sequence, last_sequence, last_refresh, cause)
      values (?1, max(?2, (select coalesce(max(committed_at), 0) + 1 from snapshot)), ?3, ?4, ?5, ?6, ?7, ?8)
      returning *";
    let values = params![
        snapshot.id,
        snapshot.committed_at.timestamp_micros(),
        snapshot.as_of.to_string(),
        settings_text(&snapshot.settings)?,
        snapshot.first_sequence,
        snapshot.last_sequence,
        snapshot.last_refresh,
        snapshot.cause
    ];
    let inserted = first(connection, sql, values, snapshot_info)?;
    inserted.ok_or_else(|| Error::Internal(format!("snapshot {} was not added", snapshot.id)))
}

fn snapshot_info(row: &Row<'_>) -> Result<SnapshotInfo> {
    let as_of: String = row.get("as_of")?;
    Ok(SnapshotInfo {
        id: row.get("id")?,
        committed_at: instant(row, "committed_at")?,
        as_of: as_of.parse().map_err(|_| unreadable("as_of"))?,
        settings: settings_of(row)?,
        first_sequence: row.get("first_sequence")?,
        last_sequence: row.get("last_sequence")?,
        last_refresh: row.get("last_refresh")?,
        cause: row.get("cause")?,
        files_kept: row.get("files_kept")?,
    })
}
