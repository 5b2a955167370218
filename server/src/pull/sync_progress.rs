//! The progress of a sync, as its job stores it.

use chrono::{DateTime, Utc};
use mrrow_engine::ingest::Rejection;
use mrrow_engine::jobs::Job;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::settings::PullType;
use super::sync_failure::SyncFailure;

/// The kind of the jobs of syncs.
pub(crate) const JOB_KIND: &str = "pull";

/// The progress of a sync: the detail of its job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SyncProgress {
    /// The page that is fetched, or at which the sync stopped.
    pub(crate) position: Option<PagePosition>,
    /// Pages that were fetched and stored.
    pub(crate) pages: u64,
    /// Objects on these pages.
    pub(crate) fetched: u64,
    pub(crate) stored: u64,
    pub(crate) rejected: u64,
    pub(crate) error: Option<SyncFailure>,
    /// The first rejected objects.
    pub(crate) rejections: Vec<PullRejection>,
    /// The job that this one resumes.
    pub(crate) resumed: Option<String>,
    pub(crate) started_at: Option<DateTime<Utc>>,
}

/// A page of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PagePosition {
    pub(crate) object: PullType,
    /// Counted from 1.
    pub(crate) page: u64,
    /// The URL that the endpoint sent for it; without one, it is fetched by its number.
    pub(crate) url: Option<String>,
}

/// An object that was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct PullRejection {
    #[serde(rename = "type")]
    object: PullType,
    /// The page, counted from 1.
    page: u64,
    /// The object's place on the page, counted from 0.
    index: Option<u64>,
    /// The object's id, if it has one.
    id: Option<String>,
    /// Every error of the object.
    errors: Vec<PullRejectionError>,
}

/// One error of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct PullRejectionError {
    /// The place in the object: a JSON pointer.
    pointer: String,
    /// The kind of error, for programs.
    code: String,
    /// The error and its remedy.
    message: String,
    /// The rejected value.
    value: Option<String>,
}

impl PullRejection {
    pub(super) fn new(
        position: &PagePosition,
        rows_before: u64,
        rejection: Rejection,
    ) -> PullRejection {
        let errors = rejection.errors.into_iter().map(|error| PullRejectionError {
            pointer: error.pointer,
            code: error.code.as_str().to_string(),
            message: error.message,
            value: error.value,
        });
        PullRejection {
            object: position.object,
            page: position.page,
            index: rejection.line.map(|line| rows_before + line),
            id: rejection.id,
            errors: errors.collect(),
        }
    }
}

impl SyncProgress {
    /// The progress of a job; empty if another version wrote a detail that cannot be read.
    pub(crate) fn of(job: &Job) -> SyncProgress {
        serde_json::from_value(job.detail.clone()).unwrap_or_default()
    }
}
