//! Formats: bytes of JSON, NDJSON, CSV or Parquet become rows, a value for each field.

mod cells;
pub(super) mod csv;
pub(super) mod json;
mod lines;
pub(super) mod ndjson;
pub(super) mod parquet;
pub(super) mod scan;
pub(super) mod sniff;
pub(super) mod source;
