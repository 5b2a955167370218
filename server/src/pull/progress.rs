//! How far a sync has come: as it is kept with its job, and as it is told.

use chrono::{DateTime, Utc};
use mrrow_engine::ingest::Rejection;
use mrrow_engine::jobs::{Job, JobState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::failure::Failure;
use super::settings::PullType;

/// What the jobs of pulls are called.
pub(crate) const KIND: &str = "pull";

/// How far a sync has come, as its job keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Progress {
    /// The page that is fetched next, or could not be.
    pub(crate) position: Option<Position>,
    /// Pages that were fetched and stored.
    pub(crate) pages: u64,
    /// Objects on them.
    pub(crate) fetched: u64,
    pub(crate) stored: u64,
    pub(crate) rejected: u64,
    pub(crate) error: Option<Failure>,
    /// The first rejected objects.
    pub(crate) rejections: Vec<PullRejection>,
    /// The job that this one goes on with.
    pub(crate) resumed: Option<String>,
    pub(crate) started_at: Option<DateTime<Utc>>,
}

/// A page of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) object: PullType,
    pub(crate) page: u64,
    /// Where the endpoint said that it is; by its number otherwise.
    pub(crate) url: Option<String>,
}

/// An object that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct PullRejection {
    #[serde(rename = "type")]
    object: PullType,
    /// The page, counted from 1.
    page: u64,
    /// Which object of the page, counted from 0.
    index: Option<u64>,
    /// The object's id, if it has one.
    id: Option<String>,
    /// All that is wrong with it.
    errors: Vec<PullRejectionError>,
}

/// One thing that is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct PullRejectionError {
    /// Where in the object: a JSON pointer.
    pointer: String,
    /// What kind of error.
    code: String,
    /// What is wrong and what would fix it.
    message: String,
    /// The value refused.
    value: Option<String>,
}

impl PullRejection {
    pub(crate) fn new(
        object: PullType,
        page: u64,
        before: u64,
        rejection: Rejection,
    ) -> PullRejection {
        let errors = rejection.errors.into_iter().map(|error| PullRejectionError {
            pointer: error.pointer,
            code: error.code.as_str().to_string(),
            message: error.message,
            value: error.value,
        });
        let index = rejection.line.map(|line| before + line);
        PullRejection { object, page, index, id: rejection.id, errors: errors.collect() }
    }
}

/// Where a sync is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// The data source has never been fetched.
    Idle,
    /// It waits for its turn.
    Enqueueing,
    /// It is at work.
    Processing,
    /// It has fetched everything.
    Done,
    /// It has stopped before the end: `last_error` or `state` says why, `resume` how to go on.
    Stuck,
    /// It was told to stop.
    Aborted,
}

/// How far the newest sync of a data source has come.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProgressAnswer {
    phase: Phase,
    /// Objects that were fetched.
    enqueued_count: u64,
    /// Objects that were stored.
    processed_count: u64,
    /// Objects that were refused.
    failed_count: u64,
    started_at: Option<DateTime<Utc>>,
    last_activity_at: Option<DateTime<Utc>>,
    /// The sync's job; null when there was none.
    job: Option<String>,
    /// waiting, running, done, failed, canceled or interrupted.
    #[schema(example = "running")]
    state: Option<String>,
    /// The type that is being fetched, or at which it has stopped.
    #[serde(rename = "type")]
    object: Option<PullType>,
    /// The page of it, counted from 1.
    page: Option<u64>,
    /// Pages that were fetched and stored, of all types.
    pages: u64,
    #[serde(rename = "last_error")]
    last_error: Option<Failure>,
    /// What goes on where it has stopped.
    #[schema(example = "POST /v1/data-sources/ds_1/sync?resume=true")]
    resume: Option<String>,
    /// The first of the objects that were refused.
    rejections: Vec<PullRejection>,
}

impl ProgressAnswer {
    /// Of a data source that has not been fetched.
    pub(crate) fn idle() -> ProgressAnswer {
        ProgressAnswer {
            phase: Phase::Idle,
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

    /// Of a job, with so many of its rejections.
    pub(crate) fn of(job: &Job, rejections_max: usize) -> ProgressAnswer {
        let progress = Progress::of(job);
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
            resume: can_resume.then(|| resume_of(&job.data_source)),
            rejections: progress.rejections.into_iter().take(rejections_max).collect(),
        }
    }

    /// Whether nothing more will be told.
    pub(crate) fn is_over(&self) -> bool {
        !matches!(self.phase, Phase::Enqueueing | Phase::Processing)
    }
}

impl Progress {
    /// What a job keeps; what cannot be read was written by another version and is as good as
    /// nothing.
    pub(crate) fn of(job: &Job) -> Progress {
        serde_json::from_value(job.detail.clone()).unwrap_or_default()
    }
}

fn phase(state: JobState) -> Phase {
    match state {
        JobState::Waiting => Phase::Enqueueing,
        JobState::Running => Phase::Processing,
        JobState::Done => Phase::Done,
        JobState::Failed | JobState::Interrupted => Phase::Stuck,
        JobState::Canceled => Phase::Aborted,
    }
}

fn resume_of(source: &str) -> String {
    format!("POST /v1/data-sources/{}/sync?resume=true", in_path(source))
}

/// An id as it stands in a path.
pub(crate) fn in_path(id: &str) -> String {
    let mut text = String::new();
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(byte))
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stands_in_a_path_whatever_it_is() {
        for (id, expected) in [
            ("ds_1-a.b~c", "ds_1-a.b~c"),
            ("Our shop?", "Our%20shop%3F"),
            ("größe%", "gr%C3%B6%C3%9Fe%25"),
        ] {
            assert_eq!(in_path(id), expected);
        }
    }
}
