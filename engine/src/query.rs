//! Reading: DataFusion sessions, the tables of a snapshot, and ad-hoc SQL over them.

mod ad_hoc;
mod restricted;
mod session;
mod tables;

pub use ad_hoc::SQL_BYTES_MAX;
pub(crate) use ad_hoc::{Plans, read_only};
pub(crate) use session::Sessions;
pub(crate) use tables::{FoundId, RawTables, Then, parquet_table, public_records, public_tables};
