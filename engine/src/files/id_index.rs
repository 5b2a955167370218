//! The id index: what is known of the last version of each id, found without reading the records.
//!
//! It is a table like the others: Parquet files, sorted by the hash of (data source, id), named by
//! the catalog in the same transaction as the records they speak of. Of an id that is in several
//! files the row with the highest sequence counts.

mod file;
mod key;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use file::{Cache, IdFile};
pub(crate) use key::{ByKey, Key};

use super::{DataFile, Directory};
use crate::error::{Error, Result};
use crate::model::ObjectType;
use crate::tables::Table;

/// Bytes of the index that stay decoded in memory.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Files that are opened before those of older snapshots are closed.
const OPENED_MAX: usize = 512;

/// What is known of the last version of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownId {
    pub(crate) sequence: i64,
    pub(crate) hash: [u8; 16],
    /// The id was deleted.
    pub(crate) deleted: bool,
    /// Of an invoice.
    pub(crate) customer_id: Option<String>,
    /// Of a plan.
    pub(crate) currency: Option<String>,
}

/// The opened index files and what was read of them; files never change, so neither does what is
/// kept here.
#[derive(Debug)]
pub(crate) struct IdFiles {
    directory: Directory,
    opened: Mutex<HashMap<String, Arc<IdFile>>>,
    cache: Cache,
}

impl IdFiles {
    pub(crate) fn new(directory: &Directory) -> IdFiles {
        IdFiles {
            directory: directory.clone(),
            opened: Mutex::default(),
            cache: file::cache(CACHE_BYTES),
        }
    }

    /// What the files of a snapshot know of these ids, whose keys rise; none of an id that never
    /// was.
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

    /// The files of a type, opened. Once there are many, those that the snapshot does not name are
    /// closed.
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
            let open = Arc::new(IdFile::open(&self.directory.path(&file.path))?);
            opened.insert(file.path.clone(), Arc::clone(&open));
            of_type.push(open);
        }
        Ok(of_type)
    }
}
