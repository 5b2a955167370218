//! An import: inputs are staged, held against what is stored, and published as one snapshot or not at all.

mod admit;
mod inputs;
mod staging;
mod summary;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::ingest::is_field;
use crate::model::DEFAULT_DATA_SOURCE;
use crate::store::{STAGING_PREFIX, WriterLock};

pub use inputs::{Content, Input, inputs_of_path};
pub use summary::{Counts, ImportSummary, REJECTIONS_SHOWN, RejectedRow, WarningCount};

/// What an import does when rows are rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// Nothing is stored.
    #[default]
    Abort,
    /// The valid rows are stored.
    Skip,
}

/// How far an import is; rows are those read so far, bytes those of the inputs as they are (compressed or not).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
        }
    }
}

impl ImportOptions {
    fn tell(&self, progress: Progress) {
        if let Some(listener) = &self.progress {
            listener(progress);
        }
    }
}

/// Imports the inputs in their order. Only the writer of the data directory may; it holds the lock meanwhile.
pub(crate) async fn import(
    engine: &Engine,
    _lock: &WriterLock,
    inputs: Vec<Input>,
    options: &ImportOptions,
) -> Result<ImportSummary> {
    if options.data_source.is_empty() {
        return Err(Error::Argument("the data source's id is empty; name one with --source".to_string()));
    }
    if let Some((theirs, ours)) = options.map.iter().find(|(_, ours)| !is_field(ours)) {
        let message =
            format!("\"{theirs}\" is mapped to \"{ours}\", which is not a field; see the README for the fields");
        return Err(Error::Argument(message));
    }
    let staging = TempDir::with_prefix_in(STAGING_PREFIX, engine.directory().staging())
        .map_err(Error::file("create", engine.directory().staging()))?;
    let pinned = engine.pinned().await?;
    let data_source = engine.data_source_id(&options.data_source).await?;
    let plan = staging::Plan {
        data_source: data_source.clone(),
        timezone: pinned.info.settings.timezone,
        first_sequence: pinned.info.last_sequence + 1,
        received_at: engine.now(),
        directory: staging.path().to_path_buf(),
    };
    let staged = staging::stage(plan, inputs, options.clone()).await?;
    options.tell(Progress::Comparing);
    admit::admit(engine, &pinned, staged, &data_source, options).await
}
