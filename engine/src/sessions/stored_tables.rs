//! The files of a snapshot, and their rows as they are stored.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::prelude::{DataFrame, SessionContext};
use serde::{Deserialize, Serialize};

use super::parquet_table::table_of_urls;
use crate::error::Result;
use crate::files::{Bucket, DataFile, DataFiles, Directory, Key, Layer, NewFile};
use crate::model::ObjectType;
use crate::tables::{Table, TableKind};

/// The layers of the present.
pub(super) const PRESENT: [Layer; 2] = [Layer::Base, Layer::Delta];

/// The files of each table in one snapshot, also in one that is not published yet.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct StoredTables {
    files: Vec<StoredFile>,
    cutoff: Option<VersionCutoff>,
    /// Only the buckets of these customers are read.
    #[serde(skip)]
    customers: Option<Arc<Vec<Key>>>,
    /// The order of the files is declared to DataFusion.
    #[serde(skip)]
    in_order: bool,
}

/// A file, and where it is: rows that are computed for one read are in a directory of their own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredFile {
    pub(super) file: NewFile,
    data_files: DataFiles,
}

/// The versions that were known at a moment of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VersionCutoff {
    /// The last sequence that was published by then.
    pub(crate) last_sequence: i64,
    /// Versions up to this sequence count too if they were received by `received_at`.
    pub(crate) received_until: i64,
    pub(crate) received_at: DateTime<Utc>,
}

impl StoredTables {
    /// The tables of these files.
    ///
    /// # Errors
    /// When a file is missing or has another length.
    pub(crate) fn of(directory: &Directory, files: &[DataFile]) -> Result<StoredTables> {
        let mut tables = StoredTables::default();
        for file in files {
            directory.data_files().check(&file.path, file.bytes)?;
            tables.add_file(directory, &file.file);
        }
        Ok(tables)
    }

    /// Adds new files.
    pub(crate) fn add(&mut self, directory: &Directory, files: &[NewFile]) {
        files.iter().for_each(|file| self.add_file(directory, file));
    }

    fn add_file(&mut self, directory: &Directory, file: &NewFile) {
        let data_files = directory.data_files().clone();
        self.files.push(StoredFile { file: file.clone(), data_files });
    }

    /// The records alone, as they were known by a cutoff.
    pub(crate) fn records_by(&self, cutoff: VersionCutoff) -> StoredTables {
        StoredTables { cutoff: Some(cutoff), ..self.records_only() }
    }

    /// The records alone.
    pub(crate) fn records_only(&self) -> StoredTables {
        self.filtered(|stored| matches!(stored.file.table.kind(), TableKind::Versions(_)))
    }

    /// The same without the files that no public table reads.
    pub(crate) fn public_only(&self) -> StoredTables {
        let reads_history = self.cutoff.is_some();
        self.filtered(|stored| {
            stored.file.table.kind() != TableKind::IdIndex
                && (stored.file.layer != Layer::History || reads_history)
        })
    }

    fn filtered(&self, is_read: impl Fn(&StoredFile) -> bool) -> StoredTables {
        let files = self.files.iter().filter(|stored| is_read(stored)).cloned().collect();
        StoredTables { files, ..self.clone() }
    }

    /// The paths of the files.
    pub(crate) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.files.iter().map(|stored| stored.data_files.local_path(&stored.file.path))
    }

    /// The versions that are known, if they are of the past.
    pub(super) fn cutoff(&self) -> Option<VersionCutoff> {
        self.cutoff
    }

    /// Whether the newest versions are current, and not those known by a cutoff.
    pub(crate) fn are_of_the_present(&self) -> bool {
        self.cutoff.is_none()
    }

    /// The same, read from the buckets of these customers only. Rows of other customers may be
    /// missing.
    pub(crate) fn of_customers(&self, customers: Vec<Key>) -> StoredTables {
        StoredTables { customers: Some(Arc::new(customers)), ..self.clone() }
    }

    /// The same, read in the order of each file.
    pub(crate) fn in_order(&self) -> StoredTables {
        StoredTables { in_order: true, ..self.clone() }
    }

    /// The number of rows of a table for the present, including superseded ones.
    pub(crate) fn rows(&self, table: Table) -> u64 {
        let rows = |stored: &StoredFile| u64::try_from(stored.file.rows).unwrap_or(0);
        self.files_of(table, &PRESENT).map(rows).sum()
    }

    pub(super) fn files_of(
        &self,
        table: Table,
        layers: &[Layer],
    ) -> impl Iterator<Item = &StoredFile> {
        self.files
            .iter()
            .filter(move |stored| stored.file.table == table && layers.contains(&stored.file.layer))
    }

    /// The stored rows of a table in some layers, including superseded ones.
    pub(crate) fn stored(
        &self,
        context: &SessionContext,
        table: Table,
        layers: &[Layer],
    ) -> Result<DataFrame> {
        let files: Vec<_> = self.files_of(table, layers).collect();
        self.rows_of(context, table, &files)
    }

    /// The same, of the customers that are read.
    pub(super) fn stored_of_customers(
        &self,
        context: &SessionContext,
        table: Table,
        layers: &[Layer],
    ) -> Result<DataFrame> {
        // Plans have no customers.
        let customers =
            self.customers.as_deref().filter(|_| table != Table::Records(ObjectType::Plans));
        let is_read = |stored: &&StoredFile| {
            let Bucket { bits, number } = stored.file.bucket;
            customers.is_none_or(|customers| {
                customers.iter().any(|customer| customer.leading(bits) == number)
            })
        };
        let files: Vec<_> = self.files_of(table, layers).filter(is_read).collect();
        self.rows_of(context, table, &files)
    }

    /// The rows of files as one table. In order each file is a table, because files together have
    /// no order.
    fn rows_of(
        &self,
        context: &SessionContext,
        table: Table,
        files: &[&StoredFile],
    ) -> Result<DataFrame> {
        let read = |files: &[&StoredFile], order: &[&str]| -> Result<DataFrame> {
            let url = |stored: &&StoredFile| stored.data_files.url(&stored.file.path);
            let urls = files.iter().map(url).collect::<Result<_>>()?;
            Ok(context.read_table(table_of_urls(urls, table.schema(), order)?)?)
        };
        let (true, Some((first, others))) = (self.in_order, files.split_first()) else {
            return read(files, &[]);
        };
        let mut rows = read(&[first], table.order())?;
        for file in others {
            rows = rows.union(read(&[file], table.order())?)?;
        }
        Ok(rows)
    }
}
