//! One encoder of rows for the API, statements and the command line.
//!
//! A record batch becomes JSON, NDJSON, CSV, TSV, Arrow or Parquet, or the cells of a table for
//! people. A decimal is a string in JSON, because many readers parse JSON numbers as floats. A list
//! or struct is JSON where a format has no nested values.

mod cells;
mod decimals;
mod encoder;
mod format;
mod json;
mod nested;
mod sql_types;

pub use cells::RowCells;
pub use encoder::RowEncoder;
pub use format::RowFormat;
pub use json::JsonRow;
pub(crate) use json::json_string;
pub(crate) use sql_types::sql_type_name;
