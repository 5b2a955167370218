//! Data files: written to a temporary name, fsynced, renamed, and only then named by the catalog.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{NewFile, Table};
use crate::error::{Error, Result};

/// Rows of a row group; a row group is the unit that statistics skip.
const ROW_GROUP_ROWS: usize = 128 * 1024;
/// A file is closed and the next begun at the first batch boundary past this.
const FILE_ROWS: usize = 2 * 1024 * 1024;

/// The data directory's files.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    root: PathBuf,
}

impl Directory {
    /// Makes the directory where it is missing.
    pub(crate) fn create(root: &Path) -> Result<Directory> {
        let is_new = !root.exists();
        for dir in [root.to_path_buf(), root.join("data"), root.join("staging")] {
            fs::create_dir_all(&dir).map_err(Error::file("create", &dir))?;
        }
        for table in Table::ALL {
            let dir = root.join("data").join(table.name());
            fs::create_dir_all(&dir).map_err(Error::file("create", &dir))?;
        }
        let root = root.canonicalize().map_err(Error::file("find", root))?;
        if is_new {
            for dir in [Some(root.join("data").as_path()), Some(root.as_path()), root.parent()].into_iter().flatten() {
                sync_dir(dir)?;
            }
        }
        Ok(Directory { root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn catalog(&self) -> PathBuf {
        self.root.join("catalog.db")
    }

    /// Where an import keeps what is not yet part of any snapshot.
    pub(crate) fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    /// The full path of a data file that the catalog names.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Removes what a write that did not end has left: all of staging, and data files that no snapshot names.
    /// Only the writer may call it.
    pub(crate) fn sweep(&self, named: &HashSet<String>) -> Result<()> {
        let staging = self.staging();
        for path in entries(&staging)? {
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(Error::file("remove", &path))?;
        }
        for table in Table::ALL {
            for path in entries(&self.root.join("data").join(table.name()))? {
                let relative = path.strip_prefix(&self.root).unwrap_or(&path).to_string_lossy().into_owned();
                if !named.contains(&relative) {
                    tracing::info!(file = relative, "sweep an orphan file");
                    fs::remove_file(&path).map_err(Error::file("remove", &path))?;
                }
            }
        }
        Ok(())
    }

    /// Begins the files of one table in the snapshot to come.
    pub(crate) fn writer(&self, table: Table, snapshot: i64) -> FileWriter {
        FileWriter {
            directory: self.clone(),
            table,
            schema: table.schema(),
            snapshot,
            open: None,
            finished: Vec::new(),
        }
    }
}

/// Writes the rows of one table for one snapshot, as many files as it takes.
pub(crate) struct FileWriter {
    directory: Directory,
    table: Table,
    schema: SchemaRef,
    snapshot: i64,
    open: Option<OpenFile>,
    finished: Vec<NewFile>,
}

struct OpenFile {
    relative: String,
    temporary: PathBuf,
    writer: ArrowWriter<BufWriter<File>>,
    rows: usize,
}

impl FileWriter {
    /// Appends rows; nothing is visible before the catalog names the files.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let mut file = match self.open.take() {
            Some(file) => file,
            None => self.begin()?,
        };
        file.writer.write(batch)?;
        file.rows += batch.num_rows();
        if file.rows >= FILE_ROWS {
            self.finish_file(file)?;
        } else {
            self.open = Some(file);
        }
        Ok(())
    }

    /// Makes the files durable and returns them for the catalog.
    pub(crate) fn finish(mut self) -> Result<Vec<NewFile>> {
        if let Some(file) = self.open.take() {
            self.finish_file(file)?;
        }
        if !self.finished.is_empty() {
            sync_dir(&self.directory.root.join("data").join(self.table.name()))?;
        }
        Ok(self.finished)
    }

    fn begin(&self) -> Result<OpenFile> {
        let name = format!("{:08}-{:03}.parquet", self.snapshot, self.finished.len());
        let relative = format!("data/{}/{name}", self.table.name());
        let temporary = self.directory.root.join(format!("{relative}.tmp"));
        let file = File::create(&temporary).map_err(Error::file("create", &temporary))?;
        let writer = ArrowWriter::try_new(BufWriter::new(file), self.schema.clone(), Some(properties()))?;
        Ok(OpenFile { relative, temporary, writer, rows: 0 })
    }

    fn finish_file(&mut self, open: OpenFile) -> Result<()> {
        let OpenFile { relative, temporary, writer, rows } = open;
        let buffered = writer.into_inner()?;
        let file = buffered.into_inner().map_err(|error| Error::file("write", &temporary)(error.into_error()))?;
        file.sync_all().map_err(Error::file("sync", &temporary))?;
        let bytes = file.metadata().map_err(Error::file("read", &temporary))?.len();
        let path = self.directory.path(&relative);
        fs::rename(&temporary, &path).map_err(Error::file("rename", &temporary))?;
        self.finished.push(NewFile {
            table: self.table,
            path: relative,
            rows: i64::try_from(rows).unwrap_or(i64::MAX),
            bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
            superseded_rows: 0,
        });
        Ok(())
    }
}

/// How every Parquet file of ours is written; ZSTD level 1 is the fastest that still halves the bytes.
pub(crate) fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build()
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let listing = fs::read_dir(dir).map_err(Error::file("list", dir))?;
    listing
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(Error::file("list", dir))
}

fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::file("sync", dir))
}
