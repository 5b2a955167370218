//! Reading: snapshots, the past, reports, and ad-hoc SQL.

mod public_tables;
pub(crate) mod reports;
mod restricted;
mod snapshot;
mod sql;

pub use snapshot::{PortableSnapshot, RecordsQuery, Snapshot};
pub use sql::SQL_BYTES_MAX;
