//! The catalog: one SQLite file whose transactions are the store's.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row, SqliteConnection};

use super::Table;
use crate::error::{Error, Result};
use crate::model::Settings;

/// How long a transaction waits for another one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What a snapshot was made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SnapshotInfo {
    pub(crate) id: i64,
    pub(crate) as_of: NaiveDate,
    pub(crate) settings: Settings,
    pub(crate) last_sequence: i64,
    pub(crate) last_refresh: i64,
}

/// A file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DataFile {
    pub(crate) table: Table,
    pub(crate) path: String,
    pub(crate) rows: i64,
    pub(crate) bytes: i64,
    pub(crate) superseded_rows: i64,
}

/// A durable file that is not yet part of a snapshot.
pub(crate) type NewFile = DataFile;

/// Everything that one snapshot changes; it is published whole or not at all.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) snapshot: SnapshotInfo,
    pub(crate) cause: &'static str,
    pub(crate) committed_at: DateTime<Utc>,
    pub(crate) files: Vec<NewFile>,
    /// Tables whose older files are no longer current.
    pub(crate) replaced_tables: Vec<Table>,
    pub(crate) data_sources: Vec<String>,
}

/// The catalog of one data directory.
#[derive(Debug, Clone)]
pub(crate) struct Catalog {
    pool: SqlitePool,
}

impl Catalog {
    /// Opens the catalog and makes or upgrades its tables.
    pub(crate) async fn open(path: &Path) -> Result<Catalog> {
        // Of two processes that open a new directory at once, one makes the tables.
        let lock = open_lock(path.with_file_name("open.lock")).await?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        sqlx::migrate!("./migrations").run(&pool).await?;
        drop(lock);
        Ok(Catalog { pool })
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// The newest snapshot and its files, as of one moment.
    pub(crate) async fn pin(&self) -> Result<Option<(SnapshotInfo, Vec<DataFile>)>> {
        let mut transaction = self.pool.begin().await?;
        let Some(snapshot) = newest(&mut transaction).await? else { return Ok(None) };
        let files = live_files(&mut transaction, snapshot.id).await?;
        transaction.commit().await?;
        Ok(Some((snapshot, files)))
    }

    /// The paths of all files that any snapshot names.
    pub(crate) async fn named_files(&self) -> Result<HashSet<String>> {
        let rows = sqlx::query("select path from data_file").fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(row.try_get("path")?)).collect()
    }

    /// The id of the data source with this id or name.
    pub(crate) async fn data_source(&self, id_or_name: &str) -> Result<Option<String>> {
        let row =
            sqlx::query("select id from data_source where id = ?1 or name = ?1 order by id = ?1 desc, id limit 1")
                .bind(id_or_name)
                .fetch_optional(&self.pool)
                .await?;
        row.map(|row| Ok(row.try_get("id")?)).transpose()
    }

    /// Publishes a snapshot in one durable transaction.
    pub(crate) async fn commit(&self, commit: &Commit) -> Result<()> {
        let mut transaction = self.pool.begin_with("begin immediate").await?;
        insert_snapshot(&mut transaction, commit).await?;
        for table in &commit.replaced_tables {
            sqlx::query("update data_file set end_snapshot = ?1 where table_name = ?2 and end_snapshot is null")
                .bind(commit.snapshot.id)
                .bind(table.name())
                .execute(&mut *transaction)
                .await?;
        }
        for file in &commit.files {
            insert_file(&mut transaction, file, commit.snapshot.id).await?;
        }
        for id in &commit.data_sources {
            sqlx::query("insert into data_source (id, name, created_at) values (?1, ?1, ?2) on conflict do nothing")
                .bind(id)
                .bind(commit.committed_at.timestamp_micros())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// Waits for the lock under which a catalog is opened.
async fn open_lock(path: PathBuf) -> Result<File> {
    let waiting = tokio::task::spawn_blocking(move || {
        let file = File::create(&path).map_err(Error::file("create", &path))?;
        file.lock().map_err(Error::file("lock", &path))?;
        Ok(file)
    });
    waiting.await.map_err(|error| Error::Internal(format!("open the catalog: {error}")))?
}

async fn newest(connection: &mut SqliteConnection) -> Result<Option<SnapshotInfo>> {
    let row =
        sqlx::query("select id, as_of, settings, last_sequence, last_refresh from snapshot order by id desc limit 1")
            .fetch_optional(connection)
            .await?;
    let Some(row) = row else { return Ok(None) };
    let (as_of, settings): (String, String) = (row.try_get("as_of")?, row.try_get("settings")?);
    let unreadable = |what: &str| Error::Internal(format!("the catalog's newest snapshot has no readable {what}"));
    Ok(Some(SnapshotInfo {
        id: row.try_get("id")?,
        as_of: as_of.parse().map_err(|_| unreadable("as_of"))?,
        settings: serde_json::from_str(&settings).map_err(|_| unreadable("settings"))?,
        last_sequence: row.try_get("last_sequence")?,
        last_refresh: row.try_get("last_refresh")?,
    }))
}

async fn live_files(connection: &mut SqliteConnection, snapshot: i64) -> Result<Vec<DataFile>> {
    let rows = sqlx::query(
        "select table_name, path, rows, bytes, superseded_rows from data_file
         where begin_snapshot <= ?1 and (end_snapshot is null or end_snapshot > ?1)
         order by id",
    )
    .bind(snapshot)
    .fetch_all(connection)
    .await?;
    let mut files = Vec::with_capacity(rows.len());
    for row in rows {
        let name: String = row.try_get("table_name")?;
        // A table of a newer version is not ours to read.
        let Some(table) = Table::ALL.into_iter().find(|table| table.name() == name) else { continue };
        files.push(DataFile {
            table,
            path: row.try_get("path")?,
            rows: row.try_get("rows")?,
            bytes: row.try_get("bytes")?,
            superseded_rows: row.try_get("superseded_rows")?,
        });
    }
    Ok(files)
}

async fn insert_snapshot(connection: &mut SqliteConnection, commit: &Commit) -> Result<()> {
    let snapshot = &commit.snapshot;
    let settings = serde_json::to_string(&snapshot.settings)
        .map_err(|error| Error::Internal(format!("write the settings: {error}")))?;
    sqlx::query(
        "insert into snapshot (id, committed_at, as_of, settings, last_sequence, last_refresh, cause)
         values (?1, max(?2, (select coalesce(max(committed_at), 0) + 1 from snapshot)), ?3, ?4, ?5, ?6, ?7)",
    )
    .bind(snapshot.id)
    .bind(commit.committed_at.timestamp_micros())
    .bind(snapshot.as_of.to_string())
    .bind(settings)
    .bind(snapshot.last_sequence)
    .bind(snapshot.last_refresh)
    .bind(commit.cause)
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_file(connection: &mut SqliteConnection, file: &NewFile, snapshot: i64) -> Result<()> {
    sqlx::query(
        "insert into data_file (table_name, path, rows, bytes, superseded_rows, begin_snapshot)
         values (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .bind(file.table.name())
    .bind(&file.path)
    .bind(file.rows)
    .bind(file.bytes)
    .bind(file.superseded_rows)
    .bind(snapshot)
    .execute(connection)
    .await?;
    Ok(())
}
