//! Data files: where they lie, how they are written, and how an id is found in them.

mod directory;
mod id_index;
mod layout;
mod lock;
mod parquet_writer;

pub(crate) use directory::Directory;
pub(crate) use id_index::{ByKey, IdFiles, Key, KnownId};
pub(crate) use layout::{Bucket, DataFile, Layer, NewFile};
pub(crate) use lock::WriterLock;
pub(crate) use parquet_writer::{
    FILE_ROWS, TableWriter, bucket_bits, properties as file_properties, sorted,
};
