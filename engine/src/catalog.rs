//! The catalog: one SQLite file whose transactions are the store's.

mod data_sources;
mod idempotency;
mod inbox;
mod jobs;
mod keys;
mod plan_groups;
mod retention;
mod snapshots;
mod wal;

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection, Row, SqliteConnection};
use tokio::sync::Mutex;

use crate::error::{Error, Result};
use crate::files::{Bucket, DataFile, Layer, NewFile};
use crate::model::Settings;
use crate::tables::Table;
use wal::LOG_PRAGMAS;

pub(crate) use idempotency::RememberedAnswer;
pub(crate) use inbox::{Acknowledged, Acknowledging, InboxRows};
pub(crate) use snapshots::{At, SnapshotInfo};

/// How long a transaction waits for another one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections for everything but acknowledgements.
const CONNECTIONS: usize = 4;

/// Everything that one snapshot changes; it is published whole or not at all.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) snapshot: SnapshotInfo,
    pub(crate) files: Vec<NewFile>,
    /// The ids of the files that are no longer current; each still is.
    pub(crate) replaced_files: Vec<i64>,
    pub(crate) data_sources: Vec<String>,
    /// The requests up to this sequence are in the files now.
    pub(crate) inbox_until: i64,
}

/// Counts of the whole catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Kept snapshots.
    pub(crate) snapshots: u64,
    /// Files that they are made of.
    pub(crate) files: u64,
    /// Acknowledged rows that are not yet published.
    pub(crate) waiting_rows: u64,
}

/// The catalog of one data directory.
#[derive(Debug, Clone)]
pub(crate) struct Catalog {
    options: SqliteConnectOptions,
    pool: SqlitePool,
    /// Held by who writes: SQLite would let the others of this process find out by trying again,
    /// later and later.
    writing: Arc<Mutex<()>>,
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
            .busy_timeout(BUSY_TIMEOUT);
        let options = LOG_PRAGMAS
            .into_iter()
            .fold(options, |options, (name, value)| options.pragma(name, value.to_string()));
        let pool = pool_options().connect_with(options.clone()).await?;
        sqlx::migrate!("./migrations")
            .run(&pool)
            .await
            .map_err(|error| of_another_version(error, path))?;
        drop(lock);
        Ok(Catalog { options, pool, writing: Arc::default() })
    }

    /// Opens all connections now, one after another: each has a thread of the priority of who opens
    /// it.
    pub(crate) async fn open_all(&self) -> Result<()> {
        let mut all = Vec::with_capacity(CONNECTIONS);
        while all.len() < CONNECTIONS {
            all.push(self.pool.acquire().await?);
        }
        Ok(())
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// The newest snapshot and its files, as of one moment.
    pub(crate) async fn pin(&self) -> Result<Option<(SnapshotInfo, Vec<DataFile>)>> {
        let mut transaction = self.pool.begin().await?;
        let Some(snapshot) = snapshots::newest(&mut transaction).await? else { return Ok(None) };
        let files = files_of(&mut transaction, snapshot.id).await?;
        transaction.commit().await?;
        Ok(Some((snapshot, files)))
    }

    /// The newest snapshot without its files.
    pub(crate) async fn newest(&self) -> Result<Option<SnapshotInfo>> {
        let mut connection = self.pool.acquire().await?;
        snapshots::newest(&mut connection).await
    }

    /// Waits for the end of a transaction that nobody waits for any more: the thread of its
    /// connection carries on with a commit that was begun.
    pub(crate) async fn settle(&self) -> Result<()> {
        let mut connection = self.pool.acquire().await?;
        let _writing = self.writing.lock().await;
        connection.begin_with("begin immediate").await?.rollback().await?;
        Ok(())
    }

    /// Whether there is a snapshot with this number, once whoever writes has ended.
    pub(crate) async fn has_snapshot(&self, id: i64) -> Result<bool> {
        self.settle().await?;
        let row = sqlx::query("select 1 from snapshot where id = ?1")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.is_some())
    }

    /// The paths of all files that any snapshot names.
    pub(crate) async fn named_files(&self) -> Result<HashSet<String>> {
        let rows = sqlx::query("select path from data_file").fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(row.try_get("path")?)).collect()
    }

    /// How much there is of what no snapshot tells of itself.
    pub(crate) async fn counts(&self) -> Result<Counts> {
        let row = sqlx::query(
            "select (select count(*) from snapshot) as snapshots,
                    (select count(*) from data_file) as files,
                    (select coalesce(sum(last_sequence - first_sequence + 1), 0) from inbox) as waiting_rows",
        )
        .fetch_one(&self.pool)
        .await?;
        let count = |name| row.try_get::<i64, _>(name).map(|count| count as u64);
        Ok(Counts {
            snapshots: count("snapshots")?,
            files: count("files")?,
            waiting_rows: count("waiting_rows")?,
        })
    }

    /// The settings as they were last set; none when they never were.
    pub(crate) async fn wanted_settings(&self) -> Result<Option<Settings>> {
        let row =
            sqlx::query("select settings from wanted_settings").fetch_optional(&self.pool).await?;
        row.map(|row| snapshots::settings_of(&row)).transpose()
    }

    /// Changes the settings to be had from the next snapshot on, whoever else changes some; they
    /// are returned as they were before.
    pub(crate) async fn change_settings(
        &self,
        change: impl FnOnce(&mut Settings) -> Result<()>,
    ) -> Result<Settings> {
        let mut transaction = self.pool.begin_with("begin immediate").await?;
        let wanted = sqlx::query("select settings from wanted_settings")
            .fetch_optional(&mut *transaction)
            .await?;
        let before = match wanted {
            Some(row) => snapshots::settings_of(&row)?,
            None => snapshots::newest(&mut transaction)
                .await?
                .map(|newest| newest.settings)
                .unwrap_or_default(),
        };
        let mut settings = before.clone();
        change(&mut settings)?;
        sqlx::query(
            "insert into wanted_settings (only_row, settings) values (1, ?1)
             on conflict do update set settings = excluded.settings",
        )
        .bind(snapshots::settings_text(&settings)?)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(before)
    }

    /// Publishes a snapshot in one durable transaction.
    pub(crate) async fn commit(&self, commit: &Commit) -> Result<()> {
        let mut connection = self.pool.acquire().await?;
        let _writing = self.writing.lock().await;
        let mut transaction = connection.begin_with("begin immediate").await?;
        snapshots::insert(&mut transaction, &commit.snapshot).await?;
        for file in &commit.replaced_files {
            let replaced = sqlx::query(
                "update data_file set end_snapshot = ?1 where id = ?2 and end_snapshot is null",
            )
            .bind(commit.snapshot.id)
            .bind(file)
            .execute(&mut *transaction)
            .await?;
            if replaced.rows_affected() != 1 {
                return Err(Error::Internal(format!("file {file} to be replaced is not current")));
            }
        }
        for file in &commit.files {
            insert_file(&mut transaction, file, commit.snapshot.id).await?;
        }
        for id in &commit.data_sources {
            let at = commit.snapshot.committed_at.timestamp_micros();
            sqlx::query(data_sources::ADD_DATA_SOURCE)
                .bind(id)
                .bind(at)
                .execute(&mut *transaction)
                .await?;
        }
        inbox::empty_until(&mut transaction, commit.inbox_until).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// A connection to a file does not get lost: it is not asked whether it is there before each use,
/// and none is given up.
fn pool_options() -> SqlitePoolOptions {
    let options = SqlitePoolOptions::new().max_connections(CONNECTIONS as u32);
    options.idle_timeout(None).max_lifetime(None).test_before_acquire(false)
}

/// No release has been made yet: a catalog in another form is of a development version.
fn of_another_version(error: MigrateError, path: &Path) -> Error {
    match error {
        MigrateError::VersionMismatch(_) | MigrateError::VersionMissing(_) => {
            Error::Argument(format!(
                "\"{}\" was made by another development version of Mrrow; name a new directory and import the records again",
                path.display()
            ))
        }
        error => Error::Migration(error),
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

async fn files_of(connection: &mut SqliteConnection, snapshot: i64) -> Result<Vec<DataFile>> {
    let rows = sqlx::query(
        "select id, table_name, path, layer, bucket_bits, bucket, rows, bytes, superseded_rows, begin_snapshot
         from data_file
         where begin_snapshot <= ?1 and (end_snapshot is null or end_snapshot > ?1)
         order by id",
    )
    .bind(snapshot)
    .fetch_all(connection)
    .await?;
    let mut files = Vec::with_capacity(rows.len());
    for row in rows {
        let (table, layer): (String, String) = (row.try_get("table_name")?, row.try_get("layer")?);
        let table = Table::ALL.into_iter().find(|known| known.name() == table);
        let layer = Layer::ALL.into_iter().find(|known| known.name() == layer);
        // A table of a newer version is not ours to read.
        let (Some(table), Some(layer)) = (table, layer) else { continue };
        let bucket = Bucket {
            bits: row.try_get("bucket_bits")?,
            number: row.try_get::<i64, _>("bucket")? as u64,
        };
        let file = NewFile {
            table,
            layer,
            bucket,
            path: row.try_get("path")?,
            rows: row.try_get("rows")?,
            bytes: row.try_get("bytes")?,
            superseded_rows: row.try_get("superseded_rows")?,
        };
        files.push(DataFile {
            id: row.try_get("id")?,
            begin_snapshot: row.try_get("begin_snapshot")?,
            file,
        });
    }
    Ok(files)
}

async fn insert_file(
    connection: &mut SqliteConnection,
    file: &NewFile,
    snapshot: i64,
) -> Result<()> {
    sqlx::query(
        "insert into data_file
         (table_name, path, layer, bucket_bits, bucket, rows, bytes, superseded_rows, begin_snapshot)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .bind(file.table.name())
    .bind(&file.path)
    .bind(file.layer.name())
    .bind(file.bucket.bits)
    .bind(file.bucket.number as i64)
    .bind(file.rows)
    .bind(file.bytes)
    .bind(file.superseded_rows)
    .bind(snapshot)
    .execute(connection)
    .await?;
    Ok(())
}

/// Microseconds since 1970 as the instant that they are.
fn instant(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}
