//! Data files by relative name: the data directory, the layout of a table's files, the Parquet
//! writer, the id index and the writer's lock.

mod data_files;
mod directory;
mod id_index;
mod layout;
mod local_directory;
mod lock;
mod parquet_writer;

pub(crate) use data_files::DataFiles;
pub(crate) use directory::Directory;
pub(crate) use id_index::{ByKey, IdFiles, Key, KnownId};
pub(crate) use layout::{Bucket, DataFile, Layer, NewFile};
pub(crate) use lock::WriterLock;
pub(crate) use parquet_writer::{
    FILE_ROWS, TableWriter, bucket_bits, properties as file_properties, sorted,
};
