//! Reading: DataFusion sessions, the tables of a snapshot, and ad-hoc SQL over them.

mod ad_hoc;
mod session;
mod tables;

pub(crate) use ad_hoc::read_only;
pub(crate) use session::Sessions;
pub(crate) use tables::{RawTables, Then, parquet_table, public_tables};
