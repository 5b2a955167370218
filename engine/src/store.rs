//! What every part of an opened engine shares: the directory, the catalog, the sessions and the
//! clock.

mod publication;
mod recent;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use datafusion::common::runtime::SpawnedTask;
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::watch;

pub(crate) use crate::catalog::SnapshotFiles;
use crate::catalog::{Catalog, Commit, SnapshotInfo};
use crate::config::{Clock, Config, MEMORY_BYTES_MIN};
use crate::error::{Error, Result};
use crate::files::{Directory, IdFiles, NewFile};
use crate::model::DataSource;
use crate::model::RuleInputs;
use crate::model::Settings;
use crate::mrr::{Rules, register_functions};
use crate::sessions::{Sessions, StoredTables};
pub use publication::Newest;
use recent::Recent;

/// An opened data directory.
pub(crate) struct Store {
    pub(crate) directory: Directory,
    pub(crate) catalog: Catalog,
    pub(crate) sessions: Sessions,
    pub(crate) rules: Rules,
    pub(crate) ids: IdFiles,
    pub(crate) config: Config,
    /// The last sequence that this process published.
    pub(crate) published: watch::Sender<i64>,
    /// How many readers each snapshot has in this process.
    readers: Mutex<BTreeMap<i64, usize>>,
    /// Where the engine was opened, and is called.
    calls: Handle,
    recent_sources: Recent<String, String>,
    recent_timezone: Recent<(), Tz>,
    recent_list: Recent<(), Arc<[DataSource]>>,
}

/// Held by a reader of a snapshot: its files stay.
pub(crate) struct SnapshotPin {
    store: Arc<Store>,
    snapshot: i64,
}

/// Stands for every snapshot.
const EVERY_SNAPSHOT: i64 = -1;

impl SnapshotFiles {
    /// What the snapshot's precomputed tables were computed for.
    pub(crate) fn moment(&self) -> RuleInputs {
        RuleInputs { settings: self.info.settings.clone(), as_of: self.info.as_of }
    }
}

impl Store {
    pub(crate) async fn open(config: Config) -> Result<Store> {
        let directory = Directory::create(&config.data_dir)?;
        let catalog = Catalog::open(&directory.catalog()).await?;
        let memory_bytes = config.memory_bytes.max(MEMORY_BYTES_MIN);
        let sessions = Sessions::new(memory_bytes, config.threads, register_functions)?;
        let rules = Rules::new(&sessions);
        let ids = IdFiles::new(&directory);
        Ok(Store {
            directory,
            catalog,
            sessions,
            rules,
            ids,
            config,
            published: watch::Sender::new(0),
            readers: Mutex::default(),
            calls: Handle::current(),
            recent_sources: Recent::new(),
            recent_timezone: Recent::new(),
            recent_list: Recent::new(),
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
        if let Some(SnapshotFiles { info, files }) = self.catalog.pin().await? {
            return Ok(SnapshotFiles { info, files });
        }
        Ok(SnapshotFiles { info: self.nothing_yet().await?, files: Arc::default() })
    }

    /// The newest snapshot without its files.
    pub(crate) async fn newest(&self) -> Result<SnapshotInfo> {
        match self.catalog.newest().await? {
            Some(newest) => Ok(newest),
            None => self.nothing_yet().await,
        }
    }

    /// What stands for a snapshot before the first write.
    async fn nothing_yet(&self) -> Result<SnapshotInfo> {
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

    /// The tables of a snapshot, each of whose files must be there whole.
    pub(crate) fn tables(&self, pinned: &SnapshotFiles) -> Result<StoredTables> {
        StoredTables::of(&self.directory, &pinned.files)
    }

    /// A commit of the snapshot that follows: as of today, with the same settings, and as yet
    /// without a change.
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

    /// Commits; what was written for it is removed when that surely failed.
    pub(crate) async fn commit(&self, commit: Commit) -> Result<SnapshotInfo> {
        let (catalog, to_commit) = (self.catalog.clone(), commit.clone());
        match self.with_calls(async move { catalog.commit(to_commit).await }).await {
            Ok(SnapshotFiles { info, .. }) => {
                let published = info.last_sequence;
                self.published.send_if_modified(|last| {
                    std::mem::replace(last, published.max(*last)) < published
                });
                Ok(info)
            }
            Err(error) => {
                // A commit that is told to have failed may be there all the same, or be at its end;
                // then its files are needed.
                if !self.catalog.has_snapshot(commit.snapshot.id).await? {
                    self.give_up(&commit.files)?;
                }
                Err(error)
            }
        }
    }

    /// Removes files that will not be named.
    pub(crate) fn give_up(&self, files: &[NewFile]) -> Result<()> {
        self.directory.remove(&files.iter().map(|file| file.path.clone()).collect::<Vec<_>>())
    }

    /// The id of the data source with this id or name; the text itself where there is none yet.
    pub(crate) async fn data_source_id(&self, id_or_name: &str) -> Result<String> {
        if id_or_name.is_empty() {
            return Err(Error::Argument("the data source's id is empty; name one".to_string()));
        }
        if let Some(id) = self.recent_sources.get(id_or_name) {
            return Ok(id);
        }
        let asked = self.recent_sources.asking();
        let Some(id) = self.catalog.data_source_id(id_or_name).await? else {
            return Ok(id_or_name.to_string());
        };
        self.recent_sources.put(id_or_name.to_string(), id.clone(), asked);
        Ok(id)
    }

    /// The settings as they were last set.
    pub(crate) async fn settings(&self) -> Result<Settings> {
        match self.catalog.wanted_settings().await? {
            Some(wanted) => Ok(wanted),
            None => Ok(self.pinned().await?.info.settings),
        }
    }

    /// The account's zone, in which pushed dates are read.
    pub(crate) async fn timezone(&self) -> Result<Tz> {
        if let Some(timezone) = self.recent_timezone.get(&()) {
            return Ok(timezone);
        }
        let asked = self.recent_timezone.asking();
        let timezone = self.settings().await?.timezone;
        self.recent_timezone.put((), timezone, asked);
        Ok(timezone)
    }

    /// The data sources, as they were a moment ago.
    pub(crate) async fn recent_data_sources(&self) -> Result<Arc<[DataSource]>> {
        if let Some(sources) = self.recent_list.get(&()) {
            return Ok(sources);
        }
        let asked = self.recent_list.asking();
        let sources: Arc<[DataSource]> = self.catalog.data_sources().await?.into();
        self.recent_list.put((), Arc::clone(&sources), asked);
        Ok(sources)
    }

    /// What was said of settings or data sources counts no more: they were changed here.
    pub(crate) fn forget_recent(&self) {
        self.recent_sources.forget();
        self.recent_timezone.forget();
        self.recent_list.forget();
    }

    /// Begins what goes on beside calls, until it is dropped.
    pub(crate) fn begin_aside<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> SpawnedTask<T> {
        let _there = self.config.background.as_ref().map(Handle::enter);
        SpawnedTask::spawn(work)
    }

    /// Does, at the priority of calls, what calls wait for meanwhile.
    async fn with_calls<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        if self.config.background.is_none() {
            return work.await;
        }
        let done = {
            let _there = self.calls.enter();
            SpawnedTask::spawn(work)
        };
        done.join().await.map_err(|error| Error::Internal(format!("work for calls: {error}")))?
    }

    /// Forgets old snapshots, other than these; the paths of the files that nobody needs any more.
    pub(crate) async fn thin_catalog(&self, in_use: Vec<i64>) -> Result<Vec<String>> {
        let (catalog, retention, now) = (self.catalog.clone(), self.config.retention, self.now());
        self.with_calls(async move { catalog.thin(retention, now, in_use).await }).await
    }

    /// Keeps the catalog's log small.
    pub(crate) async fn checkpoint(&self) -> Result<()> {
        let catalog = self.catalog.clone();
        self.with_calls(async move { catalog.checkpoint().await }).await
    }

    /// Does long work where it is in nobody's way.
    pub(crate) async fn aside<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        if self.config.background.is_none() {
            return work.await;
        }
        let done = self.begin_aside(work).join().await;
        done.map_err(|error| Error::Internal(format!("work in the background: {error}")))?
    }

    /// A directory for what a read has to compute.
    pub(crate) fn scratch(&self) -> Result<(TempDir, Directory)> {
        let dir = TempDir::with_prefix("mrrow-")
            .map_err(Error::file("create", Path::new("a temporary directory")))?;
        let directory = Directory::create(dir.path())?;
        Ok((dir, directory))
    }
}

impl Store {
    /// The snapshots that have readers in this process; none when somebody is about to choose one,
    /// so that every file has to stay.
    pub(crate) fn snapshots_in_use(&self) -> Option<Vec<i64>> {
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        (!readers.contains_key(&EVERY_SNAPSHOT)).then(|| readers.keys().copied().collect())
    }

    /// The newest snapshot, whose files stay while it is read.
    pub(crate) async fn pinned_for_reading(
        self: &Arc<Self>,
    ) -> Result<(SnapshotFiles, SnapshotPin)> {
        let _choosing = SnapshotPin::of_all(self);
        let pinned = self.pinned().await?;
        let in_use = SnapshotPin::new(self, pinned.info.id);
        Ok((pinned, in_use))
    }
}

impl SnapshotPin {
    /// Every snapshot, while one is chosen.
    pub(crate) fn of_all(store: &Arc<Store>) -> SnapshotPin {
        SnapshotPin::new(store, EVERY_SNAPSHOT)
    }

    pub(crate) fn new(store: &Arc<Store>, snapshot: i64) -> SnapshotPin {
        *store
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(snapshot)
            .or_default() += 1;
        SnapshotPin { store: Arc::clone(store), snapshot }
    }
}

impl Drop for SnapshotPin {
    fn drop(&mut self) {
        let mut readers = self.store.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = readers.get_mut(&self.snapshot) {
            *count -= 1;
            if *count == 0 {
                readers.remove(&self.snapshot);
            }
        }
    }
}
