//! DataFusion sessions under one memory budget, and the stored tables of a snapshot.

mod session;
mod stored_tables;

pub(crate) use session::Sessions;
pub(crate) use stored_tables::{FoundId, StoredTables, Then, parquet_table};
