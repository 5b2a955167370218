//! Mrrow's engine: billing records in, subscription analytics out.
//!
//! An [`Engine`] is one opened data directory. Records go in by [`Engine::import`] and
//! [`Engine::push`]; everything is read from a [`Snapshot`], which is one moment:
//! [`Snapshot::report`] runs a report, and [`Snapshot::sql`] a statement over the
//! [`public_tables`]. Answers are streams of Arrow record batches.
//!
//! Money is exact: amounts are integers in the currency's minor unit, MRR and movements decimals of
//! it with 4 digits after the point. Nothing here asks the clock: it comes in with the [`Config`].

// In reading order: a room uses the rooms above it, never those below it.
mod error;
pub mod cache;
pub mod budget;
pub mod model;
mod config;
mod tables;
pub mod ingest;
mod files;
mod catalog;
mod sessions;
mod records;
pub mod mrr;
mod store;
mod read;
mod accounts;
mod write;
mod check;
mod engine;

/// Pushes: options, limits, answers.
pub mod push {
    pub use crate::config::PushLimits;
    pub use crate::write::ack::{IdempotencyKey, PushOptions, PushResult, PushedRow};
}

/// Imports: inputs, options, summary.
pub mod import {
    pub use crate::model::OnError;
    pub use crate::write::import::*;
}

/// API keys.
pub mod access {
    pub use crate::model::{ApiKey, NewKey, Role};
}

/// Jobs.
pub mod jobs {
    pub use crate::model::{Job, JobState};
}

/// Data sources and pulls.
pub mod sources {
    pub use crate::model::{DataSource, NewDataSource, Pull};
}

/// Plan groups.
pub mod plan_groups {
    pub use crate::model::{GroupDefinition, GroupKind, PlanGroup, SelectorType};
}

/// Reports: the registry, and requests.
pub mod reports {
    pub use crate::read::reports::*;
}

pub use check::{SnapshotSummary, StoreStatus, TableStatus, Verification};
pub use config::{Clock, Config, MEMORY_BYTES_DEFAULT, MEMORY_BYTES_MIN, Retention};
pub use engine::Engine;
pub use error::{Error, Result};
pub use model::Past;
pub use read::{PortableSnapshot, RecordsQuery, SQL_BYTES_MAX, Snapshot};
pub use records::RowStatus;
pub use store::NewestSnapshot;
pub use tables::{PublicTable, public_tables};
pub use write::{Compaction, RecordId};

pub use arrow;
pub use datafusion::execution::SendableRecordBatchStream;
