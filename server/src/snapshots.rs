//! The snapshot that a request reads: selected by its parameters, opened once for all requests of
//! it, and the ETag of a response that is made from it.

mod etag;
mod parameters;
mod reader;
mod record_row;
mod selection;

pub(crate) use etag::EntityTag;
pub(crate) use parameters::ReadParams;
pub(crate) use reader::SnapshotReader;
pub(crate) use record_row::{RecordRow, wrong_type};
pub(crate) use selection::SnapshotSelection;
