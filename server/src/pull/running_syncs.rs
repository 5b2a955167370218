//! The syncs that run: at most one for each data source, and a few at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mrrow_engine::budget::{Budget, Permit};
use mrrow_engine::jobs::Job;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::sync_failure::SyncFailure;

/// The syncs that run or wait for their turn, by data source.
pub(crate) struct RunningSyncs {
    syncs: Mutex<HashMap<String, RunningSync>>,
    turns: Budget,
    tasks: TaskTracker,
}

struct RunningSync {
    abort: CancellationToken,
    job: watch::Receiver<Arc<Job>>,
}

/// A sync's place in the list, from which dropping removes it.
pub(super) struct Registration {
    syncs: Arc<RunningSyncs>,
    source: String,
}

impl RunningSyncs {
    pub(super) fn new(at_once: usize) -> RunningSyncs {
        RunningSyncs {
            syncs: Mutex::default(),
            turns: Budget::new(at_once.max(1) as u64),
            tasks: TaskTracker::new(),
        }
    }

    /// The job of the sync that runs for a data source.
    pub(crate) fn job(&self, source: &str) -> Option<Arc<Job>> {
        self.lock().get(source).map(|sync| Arc::clone(&sync.job.borrow()))
    }

    /// The same with each of its changes.
    pub(crate) fn watch(&self, source: &str) -> Option<watch::Receiver<Arc<Job>>> {
        self.lock().get(source).map(|sync| sync.job.clone())
    }

    /// Aborts the sync of a data source and waits for its end; false when none runs.
    pub(crate) async fn abort(&self, source: &str) -> bool {
        let running = self.lock().get(source).map(|sync| (sync.abort.clone(), sync.job.clone()));
        let Some((abort, mut job)) = running else { return false };
        abort.cancel();
        while job.changed().await.is_ok() {}
        true
    }

    /// Waits for the end of all syncs; the server must be stopping.
    pub(crate) async fn stopped(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Waits until fewer syncs fetch than may at once.
    pub(super) async fn turn(&self) -> Result<Permit, SyncFailure> {
        self.turns.take(1).await.map_err(|_| {
            SyncFailure::new("overloaded", "too many syncs wait for their turn; resume it later")
        })
    }

    /// Puts a sync on the list, or returns the job of the one that runs.
    pub(super) fn register(
        self: &Arc<Self>,
        source: &str,
        abort: CancellationToken,
        job: watch::Receiver<Arc<Job>>,
    ) -> Result<Registration, Arc<Job>> {
        let mut syncs = self.lock();
        if let Some(running) = syncs.get(source) {
            return Err(Arc::clone(&running.job.borrow()));
        }
        syncs.insert(source.to_string(), RunningSync { abort, job });
        Ok(Registration { syncs: Arc::clone(self), source: source.to_string() })
    }

    /// Runs a sync in the background.
    pub(super) fn spawn(&self, run: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(run);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, RunningSync>> {
        self.syncs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.syncs.lock().remove(&self.source);
    }
}
