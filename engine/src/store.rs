//! The store: immutable Parquet files, and a catalog that says which of them make up each snapshot.

mod catalog;
mod directory;
mod ids;
mod lock;
mod tables;
mod writer;

pub use catalog::Retention;
pub(crate) use catalog::{
    Acknowledgement, At, Bucket, Catalog, Commit, DataFile, InboxConnection, InboxRows, Layer,
    NewFile, RememberedAnswer, SnapshotFiles, SnapshotInfo,
};
pub(crate) use directory::Directory;
pub(crate) use ids::{ByKey, IdFiles, Key, KnownId};
pub(crate) use lock::WriterLock;
pub(crate) use tables::Table;
pub(crate) use writer::{
    FILE_ROWS, TableWriter, bucket_bits, properties as file_properties, sorted,
};
