//! The formats of encoded rows.

use serde::{Deserialize, Serialize};

/// A format of encoded rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowFormat {
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// An Arrow IPC stream.
    Arrow,
    /// A Parquet file.
    Parquet,
}
