//! Starts a sync, on demand or by schedule, and records how it ends.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt;
use mrrow_engine::jobs::{Job, JobState};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::error::{PullError, PullResult};
use super::running_syncs::Registration;
use super::state::PullState;
use super::sync_failure::SyncFailure;
use super::sync_progress::{JOB_KIND, SyncProgress};
use super::sync_run::SyncRun;

/// The page with which a sync starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartAt {
    /// The first page of the first type.
    Beginning,
    /// The page at which the last sync stopped.
    LastStop,
}

/// The outcome of a request to start a sync.
pub(crate) enum StartOutcome {
    /// The sync is started.
    Started(Job),
    /// Another sync of the data source runs.
    AlreadyRunning(Arc<Job>),
}

/// Starts a sync of a data source, unless one runs.
pub(crate) async fn start(
    state: &PullState,
    source: &str,
    at: StartAt,
) -> PullResult<StartOutcome> {
    if state.engine.pull(source).await?.is_none() {
        return Err(PullError::NoEndpoint(source.to_string()));
    }
    let progress = match at {
        StartAt::Beginning => SyncProgress::default(),
        StartAt::LastStop => progress_at_last_stop(state, source).await?,
    };
    let now = state.now();
    let job = Job {
        id: format!("pull_{:032x}", u128::from_be_bytes(state.random()?)),
        kind: JOB_KIND.to_string(),
        data_source: source.to_string(),
        state: JobState::Waiting,
        detail: serde_json::to_value(&progress).unwrap_or_default(),
        created_at: now,
        updated_at: now,
    };
    let (updates, watched) = watch::channel(Arc::new(job.clone()));
    let abort = state.stopping.child_token();
    let registration = match state.syncs.register(source, abort.clone(), watched) {
        Ok(registration) => registration,
        Err(running) => return Ok(StartOutcome::AlreadyRunning(running)),
    };
    let sync = SyncRun {
        state: state.clone(),
        job: job.clone(),
        progress,
        updates,
        saved: Instant::now(),
    };
    state.syncs.spawn(run(sync, abort, registration));
    Ok(StartOutcome::Started(job))
}

/// The progress with the page at which the last sync stopped.
async fn progress_at_last_stop(state: &PullState, source: &str) -> PullResult<SyncProgress> {
    let last = state.engine.jobs(Some(source), Some(JOB_KIND), 1).await?.into_iter().next();
    match last {
        Some(job) if job.state != JobState::Done => {
            let position = SyncProgress::of(&job).position;
            Ok(SyncProgress { position, resumed: Some(job.id), ..SyncProgress::default() })
        }
        _ => Err(PullError::NothingToResume(source.to_string())),
    }
}

async fn run(mut sync: SyncRun, abort: CancellationToken, registration: Registration) {
    let state = sync.state.clone();
    let (source, job) = (sync.job.data_source.clone(), sync.job.id.clone());
    tracing::info!(data_source = source, job, "a sync starts");
    sync.save().await;
    let fetched = tokio::select! {
        biased;
        () = abort.cancelled() => None,
        fetched = AssertUnwindSafe(sync.fetch()).catch_unwind() => Some(fetched),
    };
    let (end, failure) = match fetched {
        None if state.stopping.is_cancelled() => (JobState::Interrupted, None),
        None => (JobState::Canceled, None),
        Some(Ok(Ok(()))) => (JobState::Done, None),
        Some(Ok(Err(failure))) => (JobState::Failed, Some(failure)),
        Some(Err(_)) => (
            JobState::Failed,
            Some(SyncFailure::new("internal", "the sync failed; the server's log says why")),
        ),
    };
    log_end(&source, &job, end, failure.as_ref());
    state.metrics.synced(end.as_str());
    sync.end(end, failure).await;
    // Unregister before the end is shown: a client that sees the end can start the next sync.
    drop(registration);
    sync.show();
    state.schedule_changed.notify_one();
}

fn log_end(source: &str, job: &str, state: JobState, failure: Option<&SyncFailure>) {
    let Some(failure) = failure else {
        tracing::info!(data_source = source, job, state = state.as_str(), "a sync has ended");
        return;
    };
    tracing::warn!(
        data_source = source,
        job,
        code = failure.code,
        message = failure.message,
        object = failure.object.map(|object| object.name()),
        page = failure.page,
        "a sync has stopped"
    );
}
