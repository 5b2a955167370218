//! Records: the versions of a record, and what an incoming row does to the record of its id.

mod diff;
mod stored_batch;

pub use diff::RowStatus;
pub(crate) use diff::{DiffResult, IncomingRows, Keep};
pub(crate) use stored_batch::{ReceivedRows, StoredBatch};
