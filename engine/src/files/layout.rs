//! The layout of a table's files: layers, buckets, and the entry of each file in the catalog.

use serde::{Deserialize, Serialize};

use crate::tables::Table;

/// The relation of a file's rows to those of the table's other files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Layer {
    /// No row supersedes another, and there are no tombstones.
    Base,
    /// Its rows supersede those of the base, and each other.
    Delta,
    /// Superseded versions and tombstones, for reads of the past only.
    History,
}

impl Layer {
    pub(crate) const ALL: [Layer; 3] = [Layer::Base, Layer::Delta, Layer::History];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Layer::Base => "base",
            Layer::Delta => "delta",
            Layer::History => "history",
        }
    }
}

/// The customers whose hash begins with these bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Bucket {
    pub(crate) bits: u32,
    pub(crate) number: u64,
}

/// A durable file that is not part of a snapshot yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NewFile {
    pub(crate) table: Table,
    pub(crate) layer: Layer,
    pub(crate) bucket: Bucket,
    pub(crate) path: String,
    pub(crate) rows: i64,
    pub(crate) bytes: i64,
    pub(crate) superseded_rows: i64,
}

/// A file of a snapshot; `id` rises in the order in which files were named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DataFile {
    pub(crate) id: i64,
    pub(crate) begin_snapshot: i64,
    pub(crate) file: NewFile,
}

impl std::ops::Deref for DataFile {
    type Target = NewFile;

    fn deref(&self) -> &NewFile {
        &self.file
    }
}
