//! Lists of objects as rows: one column for each attribute, printed in any output format.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use mrrow_engine::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};

use crate::exit::Failure;
use crate::output::{Format, Output};

/// A column of text; none is null.
pub(super) fn text<T>(objects: &[T], value: impl Fn(&T) -> Option<String>) -> ArrayRef {
    Arc::new(objects.iter().map(value).collect::<StringArray>())
}

/// A column of integers.
pub(super) fn integers<T>(objects: &[T], value: impl Fn(&T) -> i64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(objects.iter().map(value)))
}

/// An instant in UTC with microseconds.
pub(super) fn instant(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// Prints columns of one length.
pub(super) fn print<const N: usize>(
    format: Option<Format>,
    columns: [(&str, ArrayRef); N],
) -> Result<(), Failure> {
    let rows = RecordBatch::try_from_iter(columns)
        .map_err(|error| Failure::other(format!("build the list: {error}")))?;
    let mut output = Output::begin(format, rows.schema())?;
    output.write(&rows)?;
    output.finish()
}
