//! A moment of the past.

use chrono::{DateTime, Utc};

/// A moment of the past that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// The snapshot with this number.
    Snapshot(i64),
    /// The records as they were known at this instant.
    KnownAt(DateTime<Utc>),
}
