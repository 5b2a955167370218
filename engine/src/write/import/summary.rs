//! What an import did: counts of each type, warnings, and the first rejected rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ingest::Rejection;
use crate::model::ObjectType;

/// Rejected rows that a summary carries itself; the rest is counted, and all are in the rejects
/// file.
pub const REJECTIONS_SHOWN: usize = 20;

/// The rows of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Rows read, rejected ones included.
    pub read: u64,
    /// Valid rows: created, updated or unchanged.
    pub accepted: u64,
    /// Accepted rows of an id that was not there.
    pub created: u64,
    /// Accepted rows that changed the record of their id.
    pub updated: u64,
    /// Accepted rows that say what was known.
    pub unchanged: u64,
    /// Refused rows.
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

/// How often a warning was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarningCount {
    /// What is odd.
    pub code: String,
    /// How many rows it is true of.
    pub rows: u64,
    /// The id of one of them.
    pub example: String,
}

/// A refused row and the input it was in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRow {
    /// The input's name.
    pub input: String,
    /// What is wrong with the row.
    #[serde(flatten)]
    pub rejection: Rejection,
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportSummary {
    /// The counts of each type.
    pub counts: BTreeMap<String, Counts>,
    /// The warnings, by code.
    pub warnings: Vec<WarningCount>,
    /// Fields that are not ours, with the number of rows that had them.
    pub ignored_fields: BTreeMap<String, u64>,
    /// The first rejected rows, at most [`REJECTIONS_SHOWN`].
    pub rejections: Vec<RejectedRow>,
    /// Inputs, or parts of them, that could not be read as rows at all.
    pub unreadable: u64,
    /// Whether the rows are stored now.
    pub stored: bool,
    /// The snapshot in which they are; none when nothing changed or nothing was stored.
    pub snapshot: Option<i64>,
}

impl ImportSummary {
    /// The counts of all types together; rejections of no known type among them.
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
