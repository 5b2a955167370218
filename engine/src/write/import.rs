//! An import: inputs are staged, compared with the stored records, and published as one snapshot or
//! not at all.

mod admit;
mod compare;
mod inputs;
mod keep;
mod staging;
mod summary;
mod unknown_customers;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::ingest::is_field;
use crate::model::DEFAULT_DATA_SOURCE;
use crate::model::OnError;
use crate::store::{SnapshotFiles, Store};

use admit::ImportDiff;

pub use inputs::{Content, Input, inputs_of_path};
pub use summary::{Counts, ImportSummary, REJECTIONS_SHOWN, RejectedRow, WarningCount};

/// The progress of an import. Rows are those read so far; bytes are those of the inputs as they are
/// (compressed or not).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "lowercase")]
pub enum Progress {
    /// Inputs are being read.
    Reading {
        /// Rows read so far, rejected ones included.
        rows: u64,
        /// Bytes read so far.
        bytes: u64,
    },
    /// Rows are being compared with the stored records.
    Comparing,
    /// New and changed rows are being sorted and written.
    Writing,
    /// Movements are being computed.
    Computing,
}

/// A function that receives the progress of an import.
pub type ProgressListener = Arc<dyn Fn(Progress) + Send + Sync>;

/// Options of an import.
#[derive(Clone)]
pub struct ImportOptions {
    /// The id or name of the data source; created if it does not exist.
    pub data_source: String,
    /// Renames a sender's field or column to ours.
    pub map: HashMap<String, String>,
    /// The action on rejected rows.
    pub on_error: OnError,
    /// Validate and count, but store nothing.
    pub dry_run: bool,
    /// A file for the rejected rows, one JSON object a line.
    pub rejects: Option<PathBuf>,
    /// Receives the progress.
    pub progress: Option<ProgressListener>,
    /// Cancels the import: [`Error::Canceled`], and nothing of it is stored. A snapshot that is
    /// already published stays.
    pub canceled: CancellationToken,
}

impl Default for ImportOptions {
    fn default() -> Self {
        ImportOptions {
            data_source: DEFAULT_DATA_SOURCE.to_string(),
            map: HashMap::new(),
            on_error: OnError::Abort,
            dry_run: false,
            rejects: None,
            progress: None,
            canceled: CancellationToken::new(),
        }
    }
}

impl ImportOptions {
    pub(crate) fn tell(&self, progress: Progress) {
        if let Some(listener) = &self.progress {
            listener(progress);
        }
    }

    /// Fails once the import is canceled.
    pub(crate) fn check_canceled(&self) -> Result<()> {
        if self.canceled.is_cancelled() { Err(Error::Canceled) } else { Ok(()) }
    }

    /// The result of work that is dropped if the import is cancelled.
    pub(crate) async fn unless_canceled<T>(
        &self,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.check_canceled()?;
        self.canceled.run_until_cancelled(work).await.unwrap_or(Err(Error::Canceled))
    }
}

impl ImportOptions {
    /// Checks the options.
    ///
    /// # Errors
    /// When a field is mapped to an unknown field.
    pub fn check(&self) -> Result<()> {
        match self.map.iter().find(|(_, ours)| !is_field(ours)) {
            Some((theirs, ours)) => Err(Error::Argument(format!(
                "\"{theirs}\" is mapped to \"{ours}\", which is not a field; see the README for the fields"
            ))),
            None => Ok(()),
        }
    }
}

/// A decoded import; its rows are not yet part of the store.
pub(crate) struct StagedImport {
    staged: staging::StagedRows,
    _directory: TempDir,
}

/// Reads the inputs in their order.
pub(crate) async fn stage(
    store: &Store,
    data_source: &str,
    timezone: Tz,
    inputs: Vec<Input>,
    options: &ImportOptions,
) -> Result<StagedImport> {
    let directory = store.directory.new_staging()?;
    let plan = staging::StagingPlan {
        data_source: data_source.to_string(),
        timezone,
        directory: directory.path().to_path_buf(),
    };
    let staged = staging::stage(plan, inputs, options.clone()).await?;
    Ok(StagedImport { staged, _directory: directory })
}

impl StagedImport {
    /// The number of valid rows.
    pub(crate) fn rows(&self) -> i64 {
        self.staged.rows
    }

    /// Compares the rows with the stored records and publishes the changes with their movements.
    /// The caller holds the publishing lock.
    pub(crate) async fn admit(
        self,
        store: &Arc<Store>,
        pinned: &Arc<SnapshotFiles>,
        data_source: &str,
        first_sequence: i64,
        received_at: DateTime<Utc>,
        options: &ImportOptions,
    ) -> Result<ImportSummary> {
        let staged = self.staged;
        ImportDiff { store, pinned, staged, data_source, first_sequence, received_at }
            .run(options)
            .await
    }
}
