//! Opens snapshots, with a cache: planning the tables of a snapshot takes milliseconds, and
//! computing one of the past much longer.

use std::sync::Arc;

use mrrow_engine::budget::{Budget, Permit};
use mrrow_engine::cache::Cache;
use mrrow_engine::{Engine, Snapshot};

use super::{ReadParams, SnapshotSelection};
use crate::error::{ApiError, Result};
use crate::http::caller::Caller;
use crate::http::min_sequence::PublicationWait;

/// Snapshots in the cache; each keeps its files on disk.
const CACHED_SNAPSHOTS_MAX: usize = 16;

/// A selection, and the data sources whose rows are visible; all of them if none.
type CacheKey = (SnapshotSelection, Option<Vec<String>>);

/// Opens the snapshots that requests read; cheap to clone.
#[derive(Clone)]
pub(crate) struct SnapshotReader {
    engine: Arc<Engine>,
    cache: Arc<Cache<CacheKey, Arc<Snapshot>>>,
    reads: Budget,
    publications: PublicationWait,
}

impl SnapshotReader {
    pub(crate) fn new(
        engine: Arc<Engine>,
        reads_max: usize,
        publications: PublicationWait,
    ) -> SnapshotReader {
        SnapshotReader {
            engine,
            cache: Arc::new(Cache::new(CACHED_SNAPSHOTS_MAX)),
            reads: Budget::new(reads_max as u64),
            publications,
        }
    }

    /// Admits a read of tables or reports, until the permit is dropped.
    pub(crate) fn admit(&self) -> Result<Permit> {
        self.reads.try_take(1).map_err(|_| {
            ApiError::overloaded("too many reads are in progress; send it again in a second")
        })
    }

    /// The snapshot that parameters select.
    pub(crate) async fn select(&self, parameters: &ReadParams) -> Result<SnapshotSelection> {
        SnapshotSelection::new(self.engine.newest().await?, parameters)
    }

    /// The selected snapshot, with the rows that the caller's key reaches.
    pub(crate) async fn open(
        &self,
        selection: &SnapshotSelection,
        caller: &Caller,
    ) -> Result<Arc<Snapshot>> {
        // Older snapshots are not selected as the newest any more: let their files go.
        let newest = selection.newest.snapshot;
        self.cache.retain(|(other, _)| other.past.is_some() || other.newest.snapshot >= newest);
        let Some(mut sources) = caller.key.data_sources.clone() else {
            return self.open_unrestricted(selection).await;
        };
        sources.sort();
        let key = (selection.normalized(), Some(sources.clone()));
        let load = || async {
            let all = self.open_unrestricted(selection).await?;
            Ok(Arc::new(all.restricted_to(&sources)))
        };
        self.cache.get_or_load(&key, load).await
    }

    /// Selects and opens a snapshot.
    pub(crate) async fn read(
        &self,
        parameters: &ReadParams,
        caller: &Caller,
    ) -> Result<Arc<Snapshot>> {
        self.open(&self.select(parameters).await?, caller).await
    }

    /// A snapshot with everything that is acknowledged now.
    pub(crate) async fn read_acknowledged(&self) -> Result<Snapshot> {
        self.until_all_published().await?;
        Ok(self.engine.snapshot(None).await?)
    }

    /// Waits until everything that is acknowledged now is published.
    pub(crate) async fn until_all_published(&self) -> Result<()> {
        self.publications.until_all_published().await
    }

    async fn open_unrestricted(&self, selection: &SnapshotSelection) -> Result<Arc<Snapshot>> {
        let load = || async {
            let SnapshotSelection { newest, past, as_of } = *selection;
            let snapshot = match past {
                Some(past) => self.engine.snapshot_of(past.into(), as_of).await?,
                None => self.engine.snapshot(as_of.or(Some(newest.as_of))).await?,
            };
            Ok(Arc::new(snapshot))
        };
        self.cache.get_or_load(&(selection.normalized(), None), load).await
    }
}
