//! The summary of an import: counts by type, warnings, the first rejected rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ingest::Rejection;
use crate::model::ObjectType;

/// Rejected rows in a summary; the rejects file has all of them.
pub const REJECTIONS_SHOWN: usize = 20;

/// Counts of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Rows read, rejected ones included.
    pub read: u64,
    /// Valid rows: created, updated or unchanged.
    pub accepted: u64,
    /// Accepted rows with a new id.
    pub created: u64,
    /// Accepted rows that changed the record of their id.
    pub updated: u64,
    /// Accepted rows equal to the stored record.
    pub unchanged: u64,
    /// Rejected rows.
    pub rejected: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.read += other.read;
        self.accepted += other.accepted;
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.rejected += other.rejected;
    }
}

/// The count of one warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarningCount {
    /// The code of the warning.
    pub code: String,
    /// The number of rows with this warning.
    pub rows: u64,
    /// The id of one such row.
    pub example: String,
}

/// A rejected row and its input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRow {
    /// The input's name.
    pub input: String,
    /// The reason of the rejection.
    #[serde(flatten)]
    pub rejection: Rejection,
}

/// The summary of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportSummary {
    /// The counts of each type.
    pub counts: BTreeMap<String, Counts>,
    /// The warnings, by code.
    pub warnings: Vec<WarningCount>,
    /// Unknown fields, with the number of rows that had them.
    pub ignored_fields: BTreeMap<String, u64>,
    /// The first rejected rows, at most [`REJECTIONS_SHOWN`].
    pub rejections: Vec<RejectedRow>,
    /// Inputs, or parts of them, that could not be read as rows.
    pub unreadable: u64,
    /// Whether the rows are stored.
    pub stored: bool,
    /// The snapshot with the rows; none if nothing changed or nothing was stored.
    pub snapshot: Option<i64>,
}

impl ImportSummary {
    /// The counts of all types together, with the rejections of unknown type.
    pub fn total(&self) -> Counts {
        let mut total = Counts { rejected: self.unreadable, ..Counts::default() };
        for counts in self.counts.values() {
            total += *counts;
        }
        total
    }

    pub(super) fn counts_of(&mut self, object: ObjectType) -> &mut Counts {
        self.counts.entry(object.name().to_string()).or_default()
    }

    pub(super) fn warn(&mut self, code: &str, rows: u64, example: &str) {
        match self.warnings.iter_mut().find(|warning| warning.code == code) {
            Some(warning) => warning.rows += rows,
            None => self.warnings.push(WarningCount {
                code: code.to_string(),
                rows,
                example: example.to_string(),
            }),
        }
    }
}
