//! Checks: verify recomputes and compares; status says what is stored.

mod status;
mod verify;

pub use status::{RetainedSnapshot, StoreStatus, TableStatus};
pub(crate) use status::{snapshots, status};
pub use verify::Verification;
pub(crate) use verify::verify;
