//! Writing: the one writer of a directory acknowledges, imports, publishes and compacts.

pub(crate) mod ack;
mod compact;
pub(crate) mod flush;
pub(crate) mod import;
pub(crate) mod publish;
pub(crate) mod push;
mod reset_source;
mod settings;
mod update_record;
mod upkeep;
mod writer;

pub use compact::Compaction;
pub use update_record::RecordId;
pub(crate) use writer::{Writer, finish_left_behind};
