//! The syncs that are at work: one for a data source at a time, a few at once.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures::FutureExt;
use mrrow_engine::jobs::{Job, JobState};
use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::failure::Failure;
use super::progress::{KIND, Progress};
use super::sync::Sync;
use crate::app::App;
use crate::error::{ApiError, Result};

/// The syncs that are at work.
pub(crate) struct Syncs {
    at_work: Mutex<HashMap<String, AtWork>>,
    turns: Semaphore,
    tasks: TaskTracker,
    /// Told when the next scheduled sync may be another one than before.
    pub(crate) changed: Notify,
}

struct AtWork {
    aborted: CancellationToken,
    job: watch::Receiver<Arc<Job>>,
}

/// Where a sync begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// With the first page of the first type.
    Beginning,
    /// Where the last one stopped.
    LastStop,
}

/// What became of the wish for a sync.
pub(crate) enum Started {
    /// It has begun.
    Begun(Job),
    /// One is at work.
    AtWork(Arc<Job>),
}

impl Syncs {
    pub(crate) fn new(at_once: usize) -> Syncs {
        let turns = Semaphore::new(at_once.clamp(1, Semaphore::MAX_PERMITS));
        Syncs {
            at_work: Mutex::default(),
            turns,
            tasks: TaskTracker::new(),
            changed: Notify::new(),
        }
    }

    /// Waits until another sync may be at work.
    pub(crate) async fn turn(&self) -> Result<SemaphorePermit<'_>, Failure> {
        self.turns
            .acquire()
            .await
            .map_err(|_| Failure::new("stopping", "the server is stopping; resume the sync later"))
    }

    /// The sync of a data source that is at work.
    pub(crate) fn at_work(&self, source: &str) -> Option<Arc<Job>> {
        self.lock().get(source).map(|at_work| Arc::clone(&at_work.job.borrow()))
    }

    /// The same, as it changes.
    pub(crate) fn watch(&self, source: &str) -> Option<watch::Receiver<Arc<Job>>> {
        self.lock().get(source).map(|at_work| at_work.job.clone())
    }

    /// Tells the sync of a data source to stop, if one is at work, and waits until it has.
    pub(crate) async fn abort(&self, source: &str) -> bool {
        let found =
            self.lock().get(source).map(|at_work| (at_work.aborted.clone(), at_work.job.clone()));
        let Some((aborted, mut job)) = found else { return false };
        aborted.cancel();
        while job.changed().await.is_ok() {}
        true
    }

    /// Waits until all syncs have stopped; the server must be stopping.
    pub(crate) async fn stopped(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, AtWork>> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins a sync of a data source, unless one is at work.
pub(crate) async fn start(app: &App, source: &str, from: From) -> Result<Started> {
    if app.engine.pull(source).await?.is_none() {
        let message = format!(
            "the data source \"{source}\" has no endpoint to fetch from; PUT /v1/data-sources/{source}/pull sets one"
        );
        return Err(ApiError::conflict("no_endpoint", message));
    }
    let progress = match from {
        From::Beginning => Progress::default(),
        From::LastStop => stopped_at(app, source).await?,
    };
    let now = app.now();
    let job = Job {
        id: format!("pull_{:032x}", u128::from_be_bytes(app.random()?)),
        kind: KIND.to_string(),
        data_source: source.to_string(),
        state: JobState::Waiting,
        detail: serde_json::to_value(&progress).unwrap_or_default(),
        created_at: now,
        updated_at: now,
    };
    let (told, watched) = watch::channel(Arc::new(job.clone()));
    let aborted = app.stopping.child_token();
    let at_work = {
        let mut all = app.pulls.lock();
        if let Some(at_work) = all.get(source) {
            return Ok(Started::AtWork(Arc::clone(&at_work.job.borrow())));
        }
        all.insert(source.to_string(), AtWork { aborted: aborted.clone(), job: watched });
        Registered { app: app.clone(), source: source.to_string() }
    };
    let sync = Sync { app: app.clone(), job: job.clone(), progress, told, saved: Instant::now() };
    app.pulls.tasks.spawn(run(sync, aborted, at_work));
    Ok(Started::Begun(job))
}

/// Where the last sync stopped.
async fn stopped_at(app: &App, source: &str) -> Result<Progress> {
    let last = app.engine.jobs(Some(source), Some(KIND), 1).await?.into_iter().next();
    match last {
        Some(job) if job.state != JobState::Done => {
            let position = Progress::of(&job).position;
            Ok(Progress { position, resumed: Some(job.id), ..Progress::default() })
        }
        _ => {
            let message = format!(
                "no sync of the data source \"{source}\" has stopped before its end; begin one without resume"
            );
            Err(ApiError::conflict("nothing_to_resume", message))
        }
    }
}

async fn run(mut sync: Sync, aborted: CancellationToken, at_work: Registered) {
    let app = sync.app.clone();
    let (source, job) = (sync.job.data_source.clone(), sync.job.id.clone());
    tracing::info!(data_source = source, job, "a sync begins");
    sync.save().await;
    let worked = tokio::select! {
        biased;
        () = aborted.cancelled() => None,
        worked = AssertUnwindSafe(sync.work()).catch_unwind() => Some(worked),
    };
    let (state, failure) = match worked {
        None if app.stopping.is_cancelled() => (JobState::Interrupted, None),
        None => (JobState::Canceled, None),
        Some(Ok(Ok(()))) => (JobState::Done, None),
        Some(Ok(Err(failure))) => (JobState::Failed, Some(failure)),
        Some(Err(_)) => (
            JobState::Failed,
            Some(Failure::new("internal", "the sync failed; the server's log says why")),
        ),
    };
    match &failure {
        Some(failure) => {
            let (object, page) =
                (failure.object.map(|object| object.object().name()), failure.page);
            tracing::warn!(
                data_source = source,
                job,
                code = failure.code,
                message = failure.message,
                object,
                page,
                "a sync has stopped"
            );
        }
        None => {
            tracing::info!(data_source = source, job, state = state.as_str(), "a sync has ended")
        }
    }
    app.metrics.synced(state.as_str());
    sync.end(state, failure).await;
    // Who is told that it has ended can begin the next one.
    drop(at_work);
    sync.show();
    app.pulls.changed.notify_one();
}

/// Takes a sync off the list when it has ended, however it did.
struct Registered {
    app: App,
    source: String,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.app.pulls.lock().remove(&self.source);
    }
}
