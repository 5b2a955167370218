//! DataFusion sessions under one memory budget, and the stored tables of a snapshot.

mod parquet_table;
mod session;
mod stored_tables;

mod current_id;
mod current_rows;

pub(crate) use current_id::CurrentId;
pub(crate) use parquet_table::parquet_table;
pub(crate) use session::Sessions;
pub(crate) use stored_tables::{StoredTables, VersionCutoff};
