//! The state of an upload: in memory, as a saved job, and as a response.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mrrow_engine::Engine;
use mrrow_engine::import::{Counts, ImportSummary, OnError, Progress, RejectedRow};
use mrrow_engine::ingest::Format;
use mrrow_engine::jobs::{Job, JobState};
use mrrow_engine::model::ObjectType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::upload_request::UploadRequest;
use crate::error::{ApiError, Result};
use crate::http::path_segment::path_segment;

/// The kind of these jobs.
pub(super) const JOB_KIND: &str = "import";

/// An upload and its import.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ImportJob {
    /// The job's id.
    id: String,
    /// The id of the data source.
    data_source: String,
    state: ImportState,
    #[serde(flatten)]
    detail: ImportDetail,
    /// The address of all rejected rows, while the server has them.
    rejects: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// The uploads of a data source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportJobs {
    pub(super) result: Vec<ImportJob>,
}

/// The state of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ImportState {
    /// It is received, or waits for another import.
    Waiting,
    /// It is imported.
    Running,
    /// It is complete.
    Done,
    /// Nothing is stored; `error` has the cause.
    Failed,
    /// Nothing is stored: a client canceled it.
    Canceled,
    /// Nothing is stored: the server was stopped. Send it again.
    Interrupted,
}

/// The present step of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum UploadPhase {
    /// Its bytes arrive.
    Receiving,
    /// Another import runs.
    Waiting,
    /// Its rows are read.
    Reading,
    /// Its rows are compared with the stored ones.
    Comparing,
    /// New and changed rows are sorted and written.
    Writing,
    /// Movements are computed.
    Computing,
}

/// The settings, progress and result of an upload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct ImportDetail {
    /// The records' type; null if the document contains several.
    #[schema(value_type = Option<String>, example = "invoices")]
    pub(super) object: Option<ObjectType>,
    #[schema(value_type = Option<String>, example = "csv")]
    format: Option<Format>,
    #[schema(value_type = String, example = "abort")]
    on_error: OnError,
    dry_run: bool,
    /// The present step; null at the end.
    pub(super) phase: Option<UploadPhase>,
    /// Bytes received so far.
    pub(super) received_bytes: u64,
    /// Rows read so far, rejected ones included.
    rows: u64,
    /// Bytes read so far, of those received.
    bytes: u64,
    /// The results of the rows of each type.
    counts: BTreeMap<String, ImportRowCounts>,
    /// The warnings about accepted rows.
    warnings: Vec<ImportWarning>,
    /// Unknown fields, with the number of their rows.
    ignored_fields: BTreeMap<String, u64>,
    /// The first rejected rows.
    #[schema(value_type = Vec<Object>)]
    rejections: Vec<RejectedRow>,
    /// Whether the rows are stored.
    stored: bool,
    /// The snapshot with the rows; null if nothing changed or nothing is stored.
    snapshot: Option<i64>,
    /// The cause of a failure or interruption.
    error: Option<ImportError>,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) finished_at: Option<DateTime<Utc>>,
}

/// The results of the rows of one type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
struct ImportRowCounts {
    read: u64,
    accepted: u64,
    created: u64,
    updated: u64,
    unchanged: u64,
    rejected: u64,
}

/// A warning, with the number of its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
struct ImportWarning {
    code: String,
    rows: u64,
    /// The id of one of them.
    example: String,
}

/// The cause of a failed import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) struct ImportError {
    pub(super) code: String,
    pub(super) message: String,
}

impl ImportDetail {
    pub(super) fn new(request: &UploadRequest) -> ImportDetail {
        let UploadRequest { object, format, on_error, dry_run, .. } = request.clone();
        ImportDetail {
            object,
            format,
            on_error,
            dry_run,
            phase: Some(UploadPhase::Receiving),
            ..ImportDetail::default()
        }
    }

    pub(super) fn set_progress(&mut self, progress: Progress) {
        let phase = match progress {
            Progress::Reading { rows, bytes } => {
                (self.rows, self.bytes) = (rows, bytes);
                UploadPhase::Reading
            }
            Progress::Comparing => UploadPhase::Comparing,
            Progress::Writing => UploadPhase::Writing,
            Progress::Computing => UploadPhase::Computing,
        };
        self.phase = Some(phase);
    }

    pub(super) fn set_result(&mut self, summary: ImportSummary) {
        if is_aborted(&summary, self.on_error) {
            let rejected = summary.total().rejected;
            let message = format!(
                "{rejected} rows were rejected, and nothing is stored; correct them, or send the \
                    file with ?on_error=skip"
            );
            self.error = Some(ImportError { code: "rows_rejected".to_string(), message });
        }
        self.counts = summary
            .counts
            .iter()
            .map(|(object, counts)| (object.clone(), (*counts).into()))
            .collect();
        self.warnings = summary
            .warnings
            .into_iter()
            .map(|warning| ImportWarning {
                code: warning.code,
                rows: warning.rows,
                example: warning.example,
            })
            .collect();
        self.ignored_fields = summary.ignored_fields;
        self.rejections = summary.rejections;
        self.stored = summary.stored;
        self.snapshot = summary.snapshot;
    }

    pub(super) fn set_error(&mut self, error: &ApiError) {
        self.error =
            Some(ImportError { code: error.code.to_string(), message: error.message.clone() });
    }
}

/// Whether nothing is stored because rows were rejected.
pub(super) fn is_aborted(summary: &ImportSummary, on_error: OnError) -> bool {
    !summary.stored && on_error == OnError::Abort && summary.total().rejected > 0
}

impl From<Counts> for ImportRowCounts {
    fn from(counts: Counts) -> ImportRowCounts {
        let Counts { read, accepted, created, updated, unchanged, rejected } = counts;
        ImportRowCounts { read, accepted, created, updated, unchanged, rejected }
    }
}

impl ImportState {
    fn of(state: JobState) -> ImportState {
        match state {
            JobState::Waiting => ImportState::Waiting,
            JobState::Running => ImportState::Running,
            JobState::Done => ImportState::Done,
            JobState::Failed => ImportState::Failed,
            JobState::Canceled => ImportState::Canceled,
            JobState::Interrupted => ImportState::Interrupted,
        }
    }
}

/// The present state of an upload.
#[derive(Debug, Clone)]
pub(super) struct ImportStatus {
    pub(super) id: String,
    pub(super) data_source: String,
    pub(super) state: JobState,
    pub(super) detail: ImportDetail,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

impl ImportStatus {
    /// Reads a saved job.
    pub(super) fn of(job: Job) -> Result<ImportStatus> {
        let Job { id, data_source, state, detail, created_at, updated_at, .. } = job;
        let mut detail: ImportDetail = serde_json::from_value(detail)
            .map_err(|error| ApiError::internal(format!("read the job \"{id}\": {error}")))?;
        if state.is_over() {
            detail.phase = None;
        }
        Ok(ImportStatus { id, data_source, state, detail, created_at, updated_at })
    }

    fn to_job(&self) -> Result<Job> {
        let ImportStatus { id, data_source, state, detail, created_at, updated_at } = self.clone();
        let detail = serde_json::to_value(detail)
            .map_err(|error| ApiError::internal(format!("write the job \"{id}\": {error}")))?;
        Ok(Job {
            id,
            kind: JOB_KIND.to_string(),
            data_source,
            state,
            detail,
            created_at,
            updated_at,
        })
    }

    pub(super) async fn save(&self, engine: &Engine) -> Result<()> {
        Ok(engine.save_job(&self.to_job()?).await?)
    }

    pub(super) fn response(&self, has_rejects: bool) -> ImportJob {
        let ImportStatus { id, data_source, state, detail, created_at, updated_at } = self.clone();
        let state = ImportState::of(state);
        let mut job =
            ImportJob { id, data_source, state, detail, rejects: None, created_at, updated_at };
        job.rejects = has_rejects.then(|| format!("{}/rejects", job.location()));
        job
    }
}

impl ImportJob {
    /// The job's path.
    pub(super) fn location(&self) -> String {
        format!("/v1/data-sources/{}/imports/{}", path_segment(&self.data_source), self.id)
    }
}
