//! Writing: the one writer of a directory acknowledges, imports, publishes and compacts.

pub(crate) mod ack;
mod publish;
mod flush;
pub(crate) mod import;
mod compact;
pub(crate) mod settings;
mod publisher;
mod upkeep;
mod recovery;
mod writer;
pub(crate) mod push;
mod update_record;
mod reset_source;

pub use compact::Compaction;
pub(crate) use recovery::recover;
pub(crate) use reset_source::{check_source, reset_source};
pub use update_record::RecordId;
pub(crate) use update_record::update_record;
pub(crate) use writer::Writer;
