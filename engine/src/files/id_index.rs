//! The id index: finds the last version of an id without reading the records.
//!
//! It is a table like the others: Parquet files, sorted by the hash of (data source, id). The
//! catalog names them in the same transaction as the records. Of an id in several files the row
//! with the highest sequence is current.

mod file;
mod key;
mod known_id;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use file::{IdFile, RowGroups};
pub(crate) use key::{ByKey, Key};
pub(crate) use known_id::KnownId;

use super::{DataFile, DataFiles, Directory};
use crate::error::{Error, Result};
use crate::model::ObjectType;
use crate::tables::Table;

/// Capacity of the cache of decoded row groups.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Open files before those of older snapshots are closed.
const OPENED_MAX: usize = 512;

/// The open index files, and a cache of their row groups. It is never invalidated, because files
/// never change.
#[derive(Debug)]
pub(crate) struct IdFiles {
    files: DataFiles,
    opened: Mutex<HashMap<String, Arc<IdFile>>>,
    cache: RowGroups,
}

impl IdFiles {
    pub(crate) fn new(directory: &Directory) -> IdFiles {
        IdFiles {
            files: directory.data_files().clone(),
            opened: Mutex::default(),
            cache: file::cache_of(CACHE_BYTES),
        }
    }

    /// The last version of each id in the files of a snapshot; none of an id that was never stored.
    /// The keys must rise.
    pub(crate) fn find(
        &self,
        files: &[DataFile],
        object: ObjectType,
        keys: &[Key],
    ) -> Result<Vec<Option<KnownId>>> {
        debug_assert!(keys.is_sorted(), "the keys rise");
        let mut found = vec![None; keys.len()];
        for file in self.opened(files, object)? {
            file.find(keys, &self.cache, &mut found)?;
        }
        Ok(found)
    }

    /// The open files of a type. If many are open, those of other snapshots are closed.
    fn opened(&self, files: &[DataFile], object: ObjectType) -> Result<Vec<Arc<IdFile>>> {
        let mut opened = self
            .opened
            .lock()
            .map_err(|_| Error::Internal("the id index is poisoned".to_string()))?;
        if opened.len() > OPENED_MAX {
            let named: HashSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
            opened.retain(|path, _| named.contains(path.as_str()));
        }
        let mut of_type = Vec::new();
        for file in files.iter().filter(|file| file.table == Table::Ids(object)) {
            if let Some(open) = opened.get(&file.path) {
                of_type.push(Arc::clone(open));
                continue;
            }
            let open = Arc::new(IdFile::open(&self.files, &file.path)?);
            opened.insert(file.path.clone(), Arc::clone(&open));
            of_type.push(open);
        }
        Ok(of_type)
    }
}
