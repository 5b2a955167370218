//! Instants as the catalog stores them.

use chrono::{DateTime, Utc};

/// An instant as the catalog keeps it: to the microsecond.
pub(crate) fn micros(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
}
