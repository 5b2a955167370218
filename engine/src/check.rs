//! Checks: verify recomputes and compares; status says what is stored.

mod status;
mod verify;

pub use status::{SnapshotSummary, StoreStatus, TableStatus};
pub(crate) use status::{snapshots, status};
pub use verify::Verification;
pub(crate) use verify::verify;
