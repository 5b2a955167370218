//! Data files by relative name: the one place that writes, opens, lists and removes them.
//!
//! Another storage backend implements these methods. Every other room names a data file by the name
//! that the catalog has.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};
use url::Url;

use super::local_directory::{entries, make_dir, sync_dir};
use crate::error::{Error, Result};
use crate::tables::Table;

/// The end of the name of an incomplete file.
const TEMPORARY: &str = ".tmp";

/// Numbers the files of this process, so that no two of its engines give the same name.
static FILES: AtomicU32 = AtomicU32::new(0);

/// The data files of a directory on a local disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DataFiles {
    root: PathBuf,
}

/// A data file that is being written. Without [`DataFileWriter::finish`] nothing remains of it.
#[derive(Debug)]
pub(crate) struct DataFileWriter {
    path: PathBuf,
    temporary: PathBuf,
    output: BufWriter<File>,
    bytes: u64,
    is_finished: bool,
}

impl DataFiles {
    /// The data files under an existing directory, which must be an absolute path.
    pub(super) fn under(root: &Path) -> DataFiles {
        DataFiles { root: root.to_path_buf() }
    }

    /// Makes the directory of each table, durably.
    pub(super) fn make_directories(&self) -> Result<()> {
        Table::ALL.into_iter().try_for_each(|table| make_dir(&self.directory_of(table)))
    }

    /// The name of a new file; no other file ever has it.
    pub(super) fn new_name(&self, table: Table, snapshot: i64) -> String {
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        format!("data/{}/{snapshot:08}-{}-{number}.parquet", table.name(), std::process::id())
    }

    /// Begins a file. The place to hash the content is [`DataFileWriter::write`].
    pub(super) fn create(&self, name: &str) -> Result<DataFileWriter> {
        let path = self.local_path(name);
        let temporary = self.local_path(&format!("{name}{TEMPORARY}"));
        let create = OpenOptions::new().write(true).create_new(true).open(&temporary);
        let output = BufWriter::new(create.map_err(Error::file("create", &temporary))?);
        Ok(DataFileWriter { path, temporary, output, bytes: 0, is_finished: false })
    }

    /// Makes the names of finished files of a table durable.
    pub(super) fn sync_names(&self, table: Table) -> Result<()> {
        sync_dir(&self.directory_of(table))
    }

    /// Opens a file to read it. The place to check its content is here.
    pub(crate) fn open(&self, name: &str) -> Result<File> {
        let path = self.local_path(name);
        File::open(&path).map_err(Error::file("open", path))
    }

    /// Checks that a file is there whole.
    ///
    /// # Errors
    /// When it is missing or has another length.
    pub(crate) fn check(&self, name: &str, bytes: i64) -> Result<()> {
        let found = self.local_path(name).metadata().map(|metadata| metadata.len()).ok();
        if found == u64::try_from(bytes).ok() {
            return Ok(());
        }
        Err(Error::Damaged(format!(
            "\"{name}\" is missing or has another length; restore it from a backup"
        )))
    }

    /// The address at which DataFusion reads a file.
    pub(crate) fn url(&self, name: &str) -> Result<Url> {
        let path = self.local_path(name);
        // Not from text: a `*` in a path is a part of its name.
        Url::from_file_path(&path).map_err(|()| {
            Error::Argument(format!("\"{}\" is not an absolute path", path.display()))
        })
    }

    /// The full path of a file, for a process that may open these files only.
    pub(crate) fn local_path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The files of a table with names of ours, also those that are not complete, each with the
    /// snapshot in its name.
    pub(super) fn list(&self, table: Table) -> Result<Vec<(String, i64)>> {
        let paths = entries(&self.directory_of(table))?;
        let named = paths.into_iter().filter_map(|path| {
            let snapshot = snapshot_of_name(&path)?;
            let name = path.strip_prefix(&self.root).unwrap_or(&path);
            Some((name.to_string_lossy().into_owned(), snapshot))
        });
        Ok(named.collect())
    }

    /// Removes files. A missing one is removed already.
    pub(crate) fn remove<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<()> {
        for name in names {
            let path = self.local_path(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::file("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn directory_of(&self, table: Table) -> PathBuf {
        self.root.join("data").join(table.name())
    }
}

impl DataFileWriter {
    /// Makes the content durable, gives the file its name and returns its length.
    pub(super) fn finish(mut self) -> Result<u64> {
        self.output.flush().map_err(Error::file("write", &self.temporary))?;
        self.output.get_ref().sync_all().map_err(Error::file("sync", &self.temporary))?;
        fs::rename(&self.temporary, &self.path).map_err(Error::file("rename", &self.temporary))?;
        self.is_finished = true;
        Ok(self.bytes)
    }
}

impl Write for DataFileWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

impl Drop for DataFileWriter {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        if let Err(error) = fs::remove_file(&self.temporary) {
            let file = self.temporary.display();
            tracing::warn!(%file, %error, "remove an incomplete file; the next writer sweeps it");
        }
    }
}

/// The snapshot at the start of a data file's name; none if the name is not one of ours.
fn snapshot_of_name(path: &Path) -> Option<i64> {
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_suffix(TEMPORARY).unwrap_or(name).strip_suffix(".parquet")?;
    let mut parts = stem.split('-').map(|part| part.parse::<i64>().ok());
    let (snapshot, _process, _number) = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(snapshot)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn files() -> (tempfile::TempDir, DataFiles) {
        let dir = tempfile::tempdir().unwrap();
        let files = DataFiles::under(dir.path());
        files.make_directories().unwrap();
        (dir, files)
    }

    #[test]
    fn finished_file_is_listed_with_its_length() {
        let (_dir, files) = files();
        let name = files.new_name(Table::Lines, 7);
        let mut writer = files.create(&name).unwrap();
        writer.write_all(b"content").unwrap();
        assert_eq!(writer.finish().unwrap(), 7);
        files.sync_names(Table::Lines).unwrap();
        assert_eq!(files.list(Table::Lines).unwrap(), [(name.clone(), 7)]);
        assert!(files.check(&name, 7).is_ok() && files.check(&name, 8).is_err());
        assert!(files.open(&name).is_ok());
        files.remove([name.as_str(), name.as_str()]).unwrap();
        assert!(files.open(&name).is_err() && files.check(&name, 7).is_err());
    }

    #[test]
    fn dropped_file_leaves_nothing() {
        let (_dir, files) = files();
        let mut writer = files.create(&files.new_name(Table::Movements, 1)).unwrap();
        writer.write_all(b"content").unwrap();
        assert_eq!(files.list(Table::Movements).unwrap().len(), 1);
        drop(writer);
        assert!(files.list(Table::Movements).unwrap().is_empty());
    }

    #[test]
    fn names_of_others_are_not_listed() {
        let (dir, files) = files();
        for name in ["notes.txt", "1-2.parquet", "1-2-3-4.parquet", "a-2-3.parquet"] {
            fs::write(dir.path().join("data/movements").join(name), "").unwrap();
        }
        assert!(files.list(Table::Movements).unwrap().is_empty());
    }
}
