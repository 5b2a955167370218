//! The progress of a sync as the API answers it.

use chrono::{DateTime, Utc};
use mrrow_engine::jobs::{Job, JobState};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::path_segment::path_segment;
use crate::pull::{PullRejection, PullType, SyncFailure, SyncProgress};

/// The phase of a sync, with GrowPanel's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SyncPhase {
    /// The data source has never been fetched.
    Idle,
    /// The sync waits for its turn.
    Enqueueing,
    /// The sync runs.
    Processing,
    /// The sync has fetched everything.
    Done,
    /// The sync stopped before the end: `last_error` or `state` says why, `resume` how to continue.
    Stuck,
    /// The sync was aborted.
    Aborted,
}

/// The progress of the newest sync of a data source.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProgressAnswer {
    phase: SyncPhase,
    /// Objects that were fetched.
    enqueued_count: u64,
    /// Objects that were stored.
    processed_count: u64,
    /// Objects that were rejected.
    failed_count: u64,
    started_at: Option<DateTime<Utc>>,
    last_activity_at: Option<DateTime<Utc>>,
    /// The sync's job; null if there was no sync.
    job: Option<String>,
    /// waiting, running, done, failed, canceled or interrupted.
    #[schema(example = "running")]
    state: Option<String>,
    /// The type that is fetched, or at which the sync stopped.
    #[serde(rename = "type")]
    object: Option<PullType>,
    /// The page of this type, counted from 1.
    page: Option<u64>,
    /// Pages that were fetched and stored, of all types.
    pages: u64,
    #[serde(rename = "last_error")]
    last_error: Option<SyncFailure>,
    /// The request that resumes the sync where it stopped.
    #[schema(example = "POST /v1/data-sources/ds_1/sync?resume=true")]
    resume: Option<String>,
    /// The first rejected objects.
    rejections: Vec<PullRejection>,
}

impl ProgressAnswer {
    /// A data source that has never been fetched.
    pub(super) fn idle() -> ProgressAnswer {
        ProgressAnswer {
            phase: SyncPhase::Idle,
            enqueued_count: 0,
            processed_count: 0,
            failed_count: 0,
            started_at: None,
            last_activity_at: None,
            job: None,
            state: None,
            object: None,
            page: None,
            pages: 0,
            last_error: None,
            resume: None,
            rejections: Vec::new(),
        }
    }

    /// The progress of a job, with at most `rejections_max` rejections.
    pub(super) fn of(job: &Job, rejections_max: usize) -> ProgressAnswer {
        let progress = SyncProgress::of(job);
        let can_resume =
            matches!(job.state, JobState::Failed | JobState::Canceled | JobState::Interrupted);
        let position = progress.position.as_ref().filter(|_| job.state != JobState::Done);
        ProgressAnswer {
            phase: phase(job.state),
            enqueued_count: progress.fetched,
            processed_count: progress.stored,
            failed_count: progress.rejected,
            started_at: progress.started_at.or(Some(job.created_at)),
            last_activity_at: Some(job.updated_at),
            job: Some(job.id.clone()),
            state: Some(job.state.as_str().to_string()),
            object: position.map(|position| position.object),
            page: position.map(|position| position.page),
            pages: progress.pages,
            last_error: progress.error,
            resume: can_resume.then(|| resume_request(&job.data_source)),
            rejections: progress.rejections.into_iter().take(rejections_max).collect(),
        }
    }

    /// Whether the progress is final.
    pub(super) fn is_final(&self) -> bool {
        !matches!(self.phase, SyncPhase::Enqueueing | SyncPhase::Processing)
    }
}

fn phase(state: JobState) -> SyncPhase {
    match state {
        JobState::Waiting => SyncPhase::Enqueueing,
        JobState::Running => SyncPhase::Processing,
        JobState::Done => SyncPhase::Done,
        JobState::Failed | JobState::Interrupted => SyncPhase::Stuck,
        JobState::Canceled => SyncPhase::Aborted,
    }
}

fn resume_request(source: &str) -> String {
    format!("POST /v1/data-sources/{}/sync?resume=true", path_segment(source))
}
