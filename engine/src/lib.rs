//! Mrrow's engine: billing records in, subscription analytics out.
//!
//! An [`Engine`] is one opened data directory. Records go in by [`Engine::import`] and
//! [`Engine::push`]; everything is read from a [`Snapshot`], which is one moment:
//! [`Snapshot::movements`], [`Snapshot::mrr`], and [`Snapshot::sql`] over the tables `customers`,
//! `plans`, `invoices`, `mrr_lines`, `movements` and `scheduled_movements`. Answers are streams of
//! Arrow record batches.
//!
//! Money is exact: amounts are integers in the currency's minor unit, MRR and movements decimals of
//! it with 4 digits after the point. Nothing here asks the clock: it comes in with the [`Config`].

pub mod access;
mod amend;
pub mod budget;
pub mod cache;
mod compact;
mod core;
mod engine;
mod error;
pub mod import;
pub mod ingest;
pub mod jobs;
pub mod model;
pub mod mrr;
mod names;
pub mod plan_groups;
mod publish;
pub mod push;
mod query;
mod recent;
pub mod reports;
mod settings;
mod snapshot;
pub mod sources;
mod status;
mod store;
mod verify;
mod versions;
mod waiting;
mod writer;

pub use amend::RecordId;
pub use compact::Compaction;
pub use engine::{Clock, Config, Engine, MEMORY_BYTES_DEFAULT, MEMORY_BYTES_MIN, Past};
pub use error::{Error, Result};
pub use query::SQL_BYTES_MAX;
pub use snapshot::{PortableSnapshot, RecordsQuery, Snapshot};
pub use status::{KeptSnapshot, Status, TableStatus};
pub use store::Retention;
pub use verify::Verification;
pub use versions::Status as RowStatus;
pub use waiting::Newest;

pub use arrow;
pub use datafusion::execution::SendableRecordBatchStream;
