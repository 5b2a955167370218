//! Rows: fields are read and checked, and collected into record batches.

mod column_builder;
pub(super) mod dates;
mod dialect;
mod errors;
pub(super) mod fields;
mod hash;
pub(super) mod metadata;
pub(super) mod numbers;
pub(super) mod object;
pub(super) mod parquet_columns;
mod row_sources;
mod rules;
mod stored;
pub(super) mod table;
mod unknown_customer;
pub(super) mod values;

pub use dialect::{Dialect, field_name};
pub use row_sources::RowSources;
pub(crate) use stored::record_fields;
pub use table::decoded_schema;
pub(crate) use table::ignore;
pub(crate) use unknown_customer::unknown_customer;
pub use values::is_field;
