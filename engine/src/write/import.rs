//! An import: inputs are staged, held against what is stored, and published as one snapshot or not
//! at all.

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

use admit::Admission;

pub use inputs::{Content, Input, inputs_of_path};
pub use summary::{Counts, ImportSummary, REJECTIONS_SHOWN, RejectedRow, WarningCount};

/// How far an import is; rows are those read so far, bytes those of the inputs as they are
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
    /// Rows are being held against those stored.
    Comparing,
    /// Rows that say something new are being sorted and written.
    Writing,
    /// Movements are being computed.
    Computing,
}

/// Is told how far an import is.
pub type ProgressListener = Arc<dyn Fn(Progress) + Send + Sync>;

/// What to import, and how.
#[derive(Clone)]
pub struct ImportOptions {
    /// The id or name of the data source the rows belong to; created where there is none.
    pub data_source: String,
    /// Renames: a sender's field or column to ours.
    pub map: HashMap<String, String>,
    /// What to do when rows are rejected.
    pub on_error: OnError,
    /// Validate and count, but store nothing.
    pub dry_run: bool,
    /// A file that takes the rejected rows, one JSON object a line.
    pub rejects: Option<PathBuf>,
    /// Is told how far the import is.
    pub progress: Option<ProgressListener>,
    /// Ends the import when it is canceled: [`Error::Canceled`], and nothing of it is stored. What
    /// is published already stays.
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

    /// What work gives, which is dropped when the import is canceled.
    pub(crate) async fn unless_canceled<T>(
        &self,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.check_canceled()?;
        self.canceled.run_until_cancelled(work).await.unwrap_or(Err(Error::Canceled))
    }
}

impl ImportOptions {
    /// Whether the options make sense.
    ///
    /// # Errors
    /// When a field is mapped to one that there is not.
    pub fn check(&self) -> Result<()> {
        match self.map.iter().find(|(_, ours)| !is_field(ours)) {
            Some((theirs, ours)) => Err(Error::Argument(format!(
                "\"{theirs}\" is mapped to \"{ours}\", which is not a field; see the README for the fields"
            ))),
            None => Ok(()),
        }
    }
}

/// Decoded inputs whose rows are kept beside the data, not yet part of it.
pub(crate) struct StagedImport {
    staged: staging::Staged,
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
    let plan = staging::Plan {
        data_source: data_source.to_string(),
        timezone,
        directory: directory.path().to_path_buf(),
    };
    let staged = staging::stage(plan, inputs, options.clone()).await?;
    Ok(StagedImport { staged, _directory: directory })
}

impl StagedImport {
    /// How many valid rows there are.
    pub(crate) fn rows(&self) -> i64 {
        self.staged.rows
    }

    /// Holds the rows against what is stored, and publishes them with their movements. The caller
    /// holds the right to publish.
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
        Admission { store, pinned, staged, data_source, first_sequence, received_at }
            .run(options)
            .await
    }
}
