//! The engine: one data directory, opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

use crate::error::{Error, Result};
use crate::import::{self, ImportOptions, ImportSummary, Input};
use crate::model::{ObjectType, Settings};
use crate::mrr::{Changed, Moment, Refresh, refresh};
use crate::query::{RawTables, Sessions};
use crate::snapshot::Snapshot;
use crate::store::{Catalog, Commit, DataFile, Directory, SnapshotInfo, Table, WriterLock};
use crate::verify::{self, Verification};

/// Tells the time; passed in, so that every answer can be had again.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Memory that queries and computations may use before they spill to disk, unless configured.
pub const MEMORY_BYTES_DEFAULT: usize = 768 * 1024 * 1024;

/// The least memory that computations are given; with less, sorts and joins could not even begin.
pub const MEMORY_BYTES_MIN: usize = 256 * 1024 * 1024;

/// How to open an engine.
#[derive(Clone)]
pub struct Config {
    /// The data directory; created where it is missing.
    pub data_dir: PathBuf,
    /// Memory in bytes that queries and computations may use before they spill to disk; at least [`MEMORY_BYTES_MIN`].
    pub memory_bytes: usize,
    /// How many threads computations use.
    pub threads: usize,
    /// Tells the time.
    pub clock: Clock,
}

impl Config {
    /// The defaults for a data directory, with the clock that tells the time.
    pub fn new(data_dir: impl Into<PathBuf>, clock: Clock) -> Config {
        Config {
            data_dir: data_dir.into(),
            memory_bytes: MEMORY_BYTES_DEFAULT,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            clock,
        }
    }
}

/// One opened data directory. Any number of processes may read; the first that writes holds it for writing until it closes.
pub struct Engine {
    directory: Directory,
    catalog: Catalog,
    sessions: Sessions,
    clock: Clock,
    writer: Mutex<Option<WriterLock>>,
}

/// A snapshot with its files.
#[derive(Debug, Clone)]
pub(crate) struct Pinned {
    pub(crate) info: SnapshotInfo,
    pub(crate) files: Vec<DataFile>,
}

impl Engine {
    /// Opens a data directory, making it where it is missing.
    ///
    /// # Errors
    /// When the directory or its catalog cannot be read or made.
    pub async fn open(config: Config) -> Result<Engine> {
        let directory = Directory::create(&config.data_dir)?;
        let catalog = Catalog::open(&directory.catalog()).await?;
        let sessions = Sessions::new(config.memory_bytes.max(MEMORY_BYTES_MIN), config.threads)?;
        Ok(Engine { directory, catalog, sessions, clock: config.clock, writer: Mutex::new(None) })
    }

    /// Closes the catalog and gives up the writer's lock.
    pub async fn close(self) {
        self.catalog.close().await;
    }

    /// Imports inputs as one snapshot: all of them, or nothing.
    ///
    /// # Errors
    /// When an input cannot be read, another process writes, or the disk fails. Rejected rows are not an error: see
    /// [`ImportSummary::rejections`].
    pub async fn import(&self, inputs: Vec<Input>, options: &ImportOptions) -> Result<ImportSummary> {
        let writer = self.writer().await?;
        let lock = writer.as_ref().ok_or_else(|| Error::Internal("the writer's lock is gone".to_string()))?;
        import::import(self, lock, inputs, options).await
    }

    /// Imports records of one type that are at hand as JSON, NDJSON, CSV or Parquet bytes.
    ///
    /// # Errors
    /// As for [`Engine::import`].
    pub async fn push(&self, data_source: &str, object: ObjectType, bytes: Vec<u8>) -> Result<ImportSummary> {
        let options = ImportOptions { data_source: data_source.to_string(), ..ImportOptions::default() };
        self.import(vec![Input::bytes("push", Some(object), bytes)], &options).await
    }

    /// Everything at one moment; `as_of` is today in the account's zone unless given.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn snapshot(&self, as_of: Option<NaiveDate>) -> Result<Snapshot> {
        let pinned = self.pinned().await?;
        let as_of = as_of.unwrap_or_else(|| self.today(&pinned.info.settings));
        Snapshot::pin(self, &pinned, as_of).await
    }

    /// The account's settings.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn settings(&self) -> Result<Settings> {
        Ok(self.pinned().await?.info.settings)
    }

    /// Sets one setting and recomputes what follows from it.
    ///
    /// # Errors
    /// When there is no such setting, it does not take the value, or another process writes.
    pub async fn set_setting(&self, name: &str, value: &str) -> Result<()> {
        let mut settings = self.settings().await?;
        settings.set(name, value)?;
        let _writer = self.writer().await?;
        let pinned = self.pinned().await?;
        let mut settings = pinned.info.settings.clone();
        settings.set(name, value)?;
        if settings == pinned.info.settings {
            return Ok(());
        }
        let recompute = Settings { base_currency: None, ..settings.clone() }
            != Settings { base_currency: None, ..pinned.info.settings.clone() };
        let mut next = self.next_snapshot(&pinned, settings);
        if !recompute {
            // It is for reporting only: what is stored stays as it was computed.
            next.as_of = pinned.info.as_of;
            return self.commit(self.commit_of(next, "settings")).await;
        }
        next.last_refresh += 1;
        let work = Refresh {
            tables: self.raw_tables(&pinned.files)?,
            moment: Moment { settings: next.settings.clone(), as_of: next.as_of },
            changed: Changed::All,
            number: next.last_refresh,
        };
        let files = refresh(&work, &self.sessions, &self.directory, next.id).await?;
        let replaced_tables = Table::PRECOMPUTED.to_vec();
        self.commit(Commit { files, replaced_tables, ..self.commit_of(next, "settings") }).await
    }

    /// Runs every check, and recomputes everything from the records to compare it with what is stored.
    ///
    /// # Errors
    /// When the store cannot be read; differences are the result, not an error.
    pub async fn verify(&self) -> Result<Verification> {
        verify::verify(self, &self.pinned().await?).await
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    pub(crate) fn today(&self, settings: &Settings) -> NaiveDate {
        self.now().with_timezone(&settings.timezone).date_naive()
    }

    /// The newest snapshot; before the first write an empty one with the default settings.
    pub(crate) async fn pinned(&self) -> Result<Pinned> {
        if let Some((info, files)) = self.catalog.pin().await? {
            return Ok(Pinned { info, files });
        }
        let settings = Settings::default();
        let as_of = self.today(&settings);
        let info = SnapshotInfo { id: 0, as_of, settings, last_sequence: 0, last_refresh: 0 };
        Ok(Pinned { info, files: Vec::new() })
    }

    /// The snapshot that follows, as of today.
    pub(crate) fn next_snapshot(&self, pinned: &Pinned, settings: Settings) -> SnapshotInfo {
        let as_of = self.today(&settings);
        SnapshotInfo { id: pinned.info.id + 1, as_of, settings, ..pinned.info.clone() }
    }

    /// The tables of these files, each of which must be there whole.
    pub(crate) fn raw_tables(&self, files: &[DataFile]) -> Result<RawTables> {
        let mut tables = RawTables::default();
        for file in files {
            let path = self.directory.path(&file.path);
            let bytes = path.metadata().map(|metadata| metadata.len()).ok();
            if bytes != u64::try_from(file.bytes).ok() {
                let message = format!("\"{}\" is missing or has another length; restore it from a backup", file.path);
                return Err(Error::Damaged(message));
            }
            tables.add(file.table, path, file.superseded_rows);
        }
        Ok(tables)
    }

    /// A commit of this snapshot that changes no file.
    pub(crate) fn commit_of(&self, snapshot: SnapshotInfo, cause: &'static str) -> Commit {
        Commit {
            snapshot,
            cause,
            committed_at: self.now(),
            files: Vec::new(),
            replaced_tables: Vec::new(),
            data_sources: Vec::new(),
        }
    }

    /// The id of the data source with this id or name; the text itself where there is none yet.
    pub(crate) async fn data_source_id(&self, id_or_name: &str) -> Result<String> {
        Ok(self.catalog.data_source(id_or_name).await?.unwrap_or_else(|| id_or_name.to_string()))
    }

    pub(crate) async fn commit(&self, commit: Commit) -> Result<()> {
        self.catalog.commit(&commit).await
    }

    /// A directory for what a read has to compute.
    pub(crate) fn scratch(&self) -> Result<(TempDir, Directory)> {
        let dir = TempDir::with_prefix("mrrow-").map_err(Error::file("create", Path::new("a temporary directory")))?;
        let directory = Directory::create(dir.path())?;
        Ok((dir, directory))
    }

    /// Takes the writer's lock and sweeps what a write that did not end has left, in this process or another.
    async fn writer(&self) -> Result<MutexGuard<'_, Option<WriterLock>>> {
        let mut writer = self.writer.lock().await;
        if writer.is_none() {
            *writer = Some(WriterLock::take(self.directory.root())?);
        }
        let last_snapshot = self.pinned().await?.info.id;
        self.directory.sweep(&self.catalog.named_files().await?, last_snapshot)?;
        Ok(writer)
    }
}
