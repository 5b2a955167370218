//! A job as it is answered, and as it is remembered.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mrrow_engine::import::{Counts, ImportSummary, OnError, Progress, RejectedRow};
use mrrow_engine::ingest::Format;
use mrrow_engine::jobs::{Job, JobState};
use mrrow_engine::model::ObjectType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::asked::Asked;
use crate::app::App;
use crate::error::{ApiError, Result};

/// What these jobs are called among all jobs.
pub(super) const KIND: &str = "import";

/// An upload and what becomes of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ImportJob {
    /// The job's id.
    id: String,
    /// The id of the data source.
    data_source: String,
    state: ImportState,
    #[serde(flatten)]
    detail: Detail,
    /// Where every rejected row is told of, while they are kept.
    rejects: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// The uploads of a data source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportJobs {
    pub(super) result: Vec<ImportJob>,
}

/// How far an upload has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ImportState {
    /// It is received, or waits for its turn.
    Waiting,
    /// It is at work.
    Running,
    /// It has done what was asked for.
    Done,
    /// Nothing of it is stored; `error` says why.
    Failed,
    /// Nothing of it is stored: it was told to stop.
    Canceled,
    /// Nothing of it is stored: the server was stopped. Send it again.
    Interrupted,
}

/// What an upload is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = UploadPhase)]
pub(super) enum Phase {
    /// Its bytes arrive.
    Receiving,
    /// Another import is at work.
    Waiting,
    /// Its rows are read.
    Reading,
    /// They are held against those that are stored.
    Comparing,
    /// What says something new is sorted and written.
    Writing,
    /// Movements are computed.
    Computing,
}

/// What there is to tell of an upload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct Detail {
    /// The records' type; null when the document names the types.
    #[schema(value_type = Option<String>, example = "invoices")]
    pub(super) object: Option<ObjectType>,
    #[schema(value_type = Option<String>, example = "csv")]
    format: Option<Format>,
    #[schema(value_type = String, example = "abort")]
    on_error: OnError,
    dry_run: bool,
    /// What it is doing; null when it is over.
    pub(super) phase: Option<Phase>,
    /// Bytes received so far, or in all.
    pub(super) received_bytes: u64,
    /// Rows read so far, rejected ones included.
    rows: u64,
    /// Bytes read so far, of those received.
    bytes: u64,
    /// What became of the rows of each type.
    counts: BTreeMap<String, RowCounts>,
    /// What is odd about rows that were accepted.
    warnings: Vec<ImportWarning>,
    /// Fields that are not ours, with the number of rows that had them.
    ignored_fields: BTreeMap<String, u64>,
    /// The first rejected rows.
    #[schema(value_type = Vec<Object>)]
    rejections: Vec<RejectedRow>,
    /// Whether the rows are stored now.
    stored: bool,
    /// The snapshot that has them; null when nothing changed or nothing was stored.
    snapshot: Option<i64>,
    /// Why it has failed, or was interrupted.
    error: Option<ImportError>,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) finished_at: Option<DateTime<Utc>>,
}

/// What became of the rows of one type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
struct RowCounts {
    read: u64,
    accepted: u64,
    created: u64,
    updated: u64,
    unchanged: u64,
    rejected: u64,
}

/// How often something odd was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
struct ImportWarning {
    code: String,
    rows: u64,
    /// The id of one of them.
    example: String,
}

/// Why an upload came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) struct ImportError {
    pub(super) code: String,
    pub(super) message: String,
}

impl Detail {
    pub(super) fn new(asked: &Asked) -> Detail {
        let Asked { object, format, on_error, dry_run, .. } = asked.clone();
        Detail {
            object,
            format,
            on_error,
            dry_run,
            phase: Some(Phase::Receiving),
            ..Detail::default()
        }
    }

    pub(super) fn progress(&mut self, progress: Progress) {
        let phase = match progress {
            Progress::Reading { rows, bytes } => {
                (self.rows, self.bytes) = (rows, bytes);
                Phase::Reading
            }
            Progress::Comparing => Phase::Comparing,
            Progress::Writing => Phase::Writing,
            Progress::Computing => Phase::Computing,
        };
        self.phase = Some(phase);
    }

    /// Takes what the import did.
    pub(super) fn finish(&mut self, summary: ImportSummary) {
        if is_aborted(&summary, self.on_error) {
            let rejected = summary.total().rejected;
            let message = format!(
                "{rejected} rows were rejected, and nothing is stored; mend them, or send the file with ?on_error=skip"
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

    /// Takes why it came to nothing.
    pub(super) fn fail(&mut self, error: &ApiError) {
        self.error =
            Some(ImportError { code: error.code.to_string(), message: error.message.clone() });
    }
}

/// Whether nothing was stored since rows were rejected.
pub(super) fn is_aborted(summary: &ImportSummary, on_error: OnError) -> bool {
    !summary.stored && on_error == OnError::Abort && summary.total().rejected > 0
}

impl From<Counts> for RowCounts {
    fn from(counts: Counts) -> RowCounts {
        let Counts { read, accepted, created, updated, unchanged, rejected } = counts;
        RowCounts { read, accepted, created, updated, unchanged, rejected }
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

/// A job as it is now.
#[derive(Debug, Clone)]
pub(super) struct Now {
    pub(super) id: String,
    pub(super) data_source: String,
    pub(super) state: JobState,
    pub(super) detail: Detail,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

impl Now {
    /// A job as it was saved.
    pub(super) fn of(job: Job) -> Result<Now> {
        let Job { id, data_source, state, detail, created_at, updated_at, .. } = job;
        let mut detail: Detail = serde_json::from_value(detail)
            .map_err(|error| ApiError::internal(format!("read the job \"{id}\": {error}")))?;
        if state.is_over() {
            detail.phase = None;
        }
        Ok(Now { id, data_source, state, detail, created_at, updated_at })
    }

    /// The job as it is saved.
    fn saved(&self) -> Result<Job> {
        let Now { id, data_source, state, detail, created_at, updated_at } = self.clone();
        let detail = serde_json::to_value(detail)
            .map_err(|error| ApiError::internal(format!("write the job \"{id}\": {error}")))?;
        Ok(Job { id, kind: KIND.to_string(), data_source, state, detail, created_at, updated_at })
    }

    /// Remembers it as it is.
    pub(super) async fn save(&self, app: &App) -> Result<()> {
        Ok(app.engine.save_job(&self.saved()?).await?)
    }

    /// The job as it is answered.
    pub(super) fn told(&self, has_rejects: bool) -> ImportJob {
        let Now { id, data_source, state, detail, created_at, updated_at } = self.clone();
        let state = ImportState::of(state);
        let mut told =
            ImportJob { id, data_source, state, detail, rejects: None, created_at, updated_at };
        told.rejects = has_rejects.then(|| format!("{}/rejects", told.location()));
        told
    }
}

impl ImportJob {
    /// Its path.
    pub(super) fn location(&self) -> String {
        let source: String =
            url::form_urlencoded::byte_serialize(self.data_source.as_bytes()).collect();
        format!("/v1/data-sources/{}/imports/{}", source.replace('+', "%20"), self.id)
    }
}
