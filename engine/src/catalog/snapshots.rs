//! The snapshots that the catalog keeps: what each was made with, and which one an instant saw.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::{Catalog, files_of, instant};
use crate::error::{Error, Result};
use crate::files::DataFile;
use crate::model::Settings;

/// What a snapshot was made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SnapshotInfo {
    pub(crate) id: i64,
    pub(crate) committed_at: DateTime<Utc>,
    pub(crate) as_of: NaiveDate,
    pub(crate) settings: Settings,
    /// The rows from this sequence on came with it; past `last_sequence` when none did.
    pub(crate) first_sequence: i64,
    /// All rows up to this sequence are in it.
    pub(crate) last_sequence: i64,
    pub(crate) last_refresh: i64,
    /// push, import, settings, day or compaction.
    pub(crate) cause: String,
    /// Whether every file it is made of is still there.
    pub(crate) files_kept: bool,
}

/// A moment of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// The snapshot with this number.
    Snapshot(i64),
    /// What was known at this instant.
    Instant(DateTime<Utc>),
}

/// A kept snapshot and those of its files that are still named.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) info: SnapshotInfo,
    pub(crate) files: Vec<DataFile>,
}

impl Catalog {
    /// The kept snapshots, oldest first.
    pub(crate) async fn snapshots(&self) -> Result<Vec<SnapshotInfo>> {
        let rows = sqlx::query("select * from snapshot order by id").fetch_all(&self.pool).await?;
        rows.iter().map(info).collect()
    }

    /// The kept snapshot of a moment with its files, and the snapshot that is kept after it.
    pub(crate) async fn snapshots_at(
        &self,
        at: At,
    ) -> Result<(Option<Found>, Option<SnapshotInfo>)> {
        let (column, value) = match at {
            At::Snapshot(id) => ("id", id),
            At::Instant(instant) => ("committed_at", instant.timestamp_micros()),
        };
        let before =
            format!("select * from snapshot where {column} <= ?1 order by id desc limit 1");
        let after = format!("select * from snapshot where {column} > ?1 order by id limit 1");
        let mut connection = self.pool.begin().await?;
        let before = sqlx::query(sqlx::AssertSqlSafe(before))
            .bind(value)
            .fetch_optional(&mut *connection)
            .await?;
        let after = sqlx::query(sqlx::AssertSqlSafe(after))
            .bind(value)
            .fetch_optional(&mut *connection)
            .await?;
        let before = match before {
            Some(row) => {
                let info = info(&row)?;
                let files = files_of(&mut connection, info.id).await?;
                Some(Found { info, files })
            }
            None => None,
        };
        Ok((before, after.map(|row| info(&row)).transpose()?))
    }
}

pub(super) async fn newest(connection: &mut SqliteConnection) -> Result<Option<SnapshotInfo>> {
    let row = sqlx::query("select * from snapshot order by id desc limit 1")
        .fetch_optional(connection)
        .await?;
    row.map(|row| info(&row)).transpose()
}

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    snapshot: &SnapshotInfo,
) -> Result<()> {
    sqlx::query(
        "insert into snapshot
         (id, committed_at, as_of, settings, first_sequence, last_sequence, last_refresh, cause)
         values (?1, max(?2, (select coalesce(max(committed_at), 0) + 1 from snapshot)), ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .bind(snapshot.id)
    .bind(snapshot.committed_at.timestamp_micros())
    .bind(snapshot.as_of.to_string())
    .bind(settings_text(&snapshot.settings)?)
    .bind(snapshot.first_sequence)
    .bind(snapshot.last_sequence)
    .bind(snapshot.last_refresh)
    .bind(&snapshot.cause)
    .execute(connection)
    .await?;
    Ok(())
}

fn info(row: &SqliteRow) -> Result<SnapshotInfo> {
    let as_of: String = row.try_get("as_of")?;
    Ok(SnapshotInfo {
        id: row.try_get("id")?,
        committed_at: instant(row.try_get("committed_at")?),
        as_of: as_of.parse().map_err(|_| unreadable("as_of"))?,
        settings: settings_of(row)?,
        first_sequence: row.try_get("first_sequence")?,
        last_sequence: row.try_get("last_sequence")?,
        last_refresh: row.try_get("last_refresh")?,
        cause: row.try_get("cause")?,
        files_kept: row.try_get("files_kept")?,
    })
}

pub(super) fn settings_of(row: &SqliteRow) -> Result<Settings> {
    let settings: String = row.try_get("settings")?;
    serde_json::from_str(&settings).map_err(|_| unreadable("settings"))
}

pub(super) fn settings_text(settings: &Settings) -> Result<String> {
    serde_json::to_string(settings)
        .map_err(|error| Error::Internal(format!("write the settings: {error}")))
}

fn unreadable(what: &str) -> Error {
    Error::Damaged(format!(
        "a snapshot in the catalog has no readable {what}; restore the catalog from a backup"
    ))
}
