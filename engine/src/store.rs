//! The store: an opened data directory, with its files, its catalog and its sessions.

mod background;
mod lookups;
mod pins;
mod sequences;

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use tempfile::TempDir;

pub(crate) use crate::catalog::SnapshotFiles;
use crate::catalog::{Catalog, Commit, SnapshotInfo};
use crate::config::{Clock, Config, MEMORY_BYTES_MIN};
use crate::error::{Error, Result};
use crate::files::{Directory, IdFiles, NewFile};
use crate::model::{RuleInputs, Settings};
use crate::mrr::{Rules, register_functions};
use crate::sessions::{Sessions, StoredTables};
use background::Background;
use lookups::Lookups;
pub(crate) use pins::SnapshotPin;
use pins::SnapshotPins;
use sequences::Sequences;
pub(crate) use sequences::{ImportState, SequenceTurn};

/// An opened data directory.
pub(crate) struct Store {
    pub(crate) directory: Directory,
    pub(crate) catalog: Catalog,
    pub(crate) sessions: Sessions,
    pub(crate) rules: Rules,
    pub(crate) ids: IdFiles,
    pub(crate) config: Config,
    pub(crate) pins: SnapshotPins,
    pub(crate) sequences: Sequences,
    pub(crate) lookups: Lookups,
    pub(crate) background: Background,
}

/// The newest snapshot, without its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NewestSnapshot {
    /// The catalog version; 0 before the first write.
    pub snapshot: i64,
    /// It has everything that was acknowledged up to this sequence.
    pub last_sequence: i64,
    /// Today in the account's zone: the default `as_of` of [`crate::Engine::snapshot`].
    pub as_of: NaiveDate,
}

impl SnapshotFiles {
    /// The settings and the day for which the precomputed tables were computed.
    pub(crate) fn moment(&self) -> RuleInputs {
        RuleInputs { settings: self.info.settings.clone(), as_of: self.info.as_of }
    }
}

impl Store {
    /// Opens a directory. It is created if it is missing.
    pub(crate) async fn open(config: Config) -> Result<Store> {
        let directory = Directory::create(&config.data_dir)?;
        let catalog = Catalog::open(&directory.catalog()).await?;
        let memory_bytes = config.memory_bytes.max(MEMORY_BYTES_MIN);
        let sessions = Sessions::new(memory_bytes, config.threads, register_functions)?;
        Ok(Store {
            rules: Rules::new(&sessions),
            ids: IdFiles::new(&directory),
            pins: SnapshotPins::default(),
            sequences: Sequences::new(),
            lookups: Lookups::new(&catalog),
            background: Background::new(config.background.clone()),
            directory,
            catalog,
            sessions,
            config,
        })
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        let clock: &Clock = &self.config.clock;
        clock()
    }

    pub(crate) fn today(&self, settings: &Settings) -> NaiveDate {
        self.now().with_timezone(&settings.timezone).date_naive()
    }

    /// The newest snapshot; before the first write an empty one with the wanted settings.
    pub(crate) async fn pinned(&self) -> Result<SnapshotFiles> {
        if let Some(pinned) = self.catalog.pin().await? {
            self.sequences.publish(&pinned);
            return Ok(pinned);
        }
        Ok(SnapshotFiles { info: self.empty_snapshot().await?, files: Arc::default() })
    }

    /// The newest snapshot, whose files stay while the pin is held.
    pub(crate) async fn pinned_for_reading(&self) -> Result<(SnapshotFiles, SnapshotPin)> {
        let _all = self.pins.pin_all();
        let pinned = self.pinned().await?;
        let pin = self.pins.pin(pinned.info.id);
        Ok((pinned, pin))
    }

    /// The newest snapshot without its files.
    pub(crate) async fn newest(&self) -> Result<SnapshotInfo> {
        match self.catalog.newest().await? {
            Some(newest) => Ok(newest),
            None => self.empty_snapshot().await,
        }
    }

    /// The version and the day of the newest snapshot.
    pub(crate) async fn newest_snapshot(&self) -> Result<NewestSnapshot> {
        let newest = self.newest().await?;
        let as_of = self.today(&newest.settings);
        Ok(NewestSnapshot { snapshot: newest.id, last_sequence: newest.last_sequence, as_of })
    }

    /// The snapshot before the first write.
    async fn empty_snapshot(&self) -> Result<SnapshotInfo> {
        let settings = self.catalog.wanted_settings().await?.unwrap_or_default();
        Ok(SnapshotInfo {
            id: 0,
            committed_at: self.now(),
            as_of: self.today(&settings),
            settings,
            first_sequence: 1,
            last_sequence: 0,
            last_refresh: 0,
            cause: String::new(),
            files_kept: true,
        })
    }

    /// The tables of a snapshot. Each file must exist with its length.
    pub(crate) fn tables(&self, pinned: &SnapshotFiles) -> Result<StoredTables> {
        StoredTables::of(&self.directory, &pinned.files)
    }

    /// A commit of the snapshot after this one, as of today, with the same settings and no change.
    pub(crate) fn next_commit(&self, pinned: &SnapshotFiles, cause: &str) -> Commit {
        let info = &pinned.info;
        let snapshot = SnapshotInfo {
            id: info.id + 1,
            committed_at: self.now(),
            as_of: self.today(&info.settings),
            first_sequence: info.last_sequence + 1,
            cause: cause.to_string(),
            ..info.clone()
        };
        Commit {
            snapshot,
            files: Vec::new(),
            replaced_files: Vec::new(),
            data_sources: Vec::new(),
            inbox_until: 0,
        }
    }

    /// Commits a snapshot. If that failed for certain, the files written for it are removed.
    pub(crate) async fn commit(&self, commit: Commit) -> Result<SnapshotInfo> {
        let (catalog, to_commit) = (self.catalog.clone(), commit.clone());
        let committing = async move { catalog.commit(to_commit).await };
        match self.background.run_with_calls(committing).await {
            Ok(committed) => {
                self.sequences.publish(&committed);
                Ok(committed.info)
            }
            Err(error) => {
                // The commit may have been applied all the same, or be about to end; then its files
                // are needed.
                if !self.catalog.has_snapshot(commit.snapshot.id).await? {
                    self.give_up(&commit.files)?;
                }
                Err(error)
            }
        }
    }

    /// Removes files that no snapshot will name.
    pub(crate) fn give_up(&self, files: &[NewFile]) -> Result<()> {
        self.directory.remove(&files.iter().map(|file| file.path.clone()).collect::<Vec<_>>())
    }

    /// Forgets old snapshots, other than these, and returns the paths of the files that no snapshot
    /// needs.
    pub(crate) async fn thin_catalog(&self, in_use: Vec<i64>) -> Result<Vec<String>> {
        let (catalog, retention, now) = (self.catalog.clone(), self.config.retention, self.now());
        let thinning = async move { catalog.thin(retention, now, in_use).await };
        self.background.run_with_calls(thinning).await
    }

    /// Moves the catalog's log into its file.
    pub(crate) async fn checkpoint(&self) -> Result<()> {
        let catalog = self.catalog.clone();
        self.background.run_with_calls(async move { catalog.checkpoint().await }).await
    }

    /// A temporary directory for rows that a read computes.
    pub(crate) fn scratch(&self) -> Result<(TempDir, Directory)> {
        let dir = TempDir::with_prefix("mrrow-")
            .map_err(Error::file("create", Path::new("a temporary directory")))?;
        let directory = Directory::create(dir.path())?;
        Ok((dir, directory))
    }
}
