//! The store: immutable Parquet files, and a catalog that says which of them make up each snapshot.

mod catalog;
mod files;
mod lock;
mod tables;

pub(crate) use catalog::{Catalog, Commit, DataFile, NewFile, SnapshotInfo};
pub(crate) use files::{Directory, FileWriter, STAGING_PREFIX, properties as file_properties};
pub(crate) use lock::WriterLock;
pub(crate) use tables::Table;
