//! Data files: written to a temporary name, fsynced, renamed, and only then named by the catalog.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{NewFile, Table};
use crate::error::{Error, Result};

/// The catalog's file.
const CATALOG: &str = "catalog.db";
/// Rows of a row group; a row group is the unit that statistics skip.
const ROW_GROUP_ROWS: usize = 128 * 1024;
/// A file is closed and the next begun at the first batch boundary past this.
const FILE_ROWS: usize = 2 * 1024 * 1024;

/// What an import's staging directory is called, before its random part.
pub(crate) const STAGING_PREFIX: &str = "import-";

/// The data directory's files.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    root: PathBuf,
    /// Numbers the writers of this process, so that no two ever share a name.
    writers: Arc<AtomicU32>,
}

impl Directory {
    /// Makes the directory where it is missing, durably.
    ///
    /// # Errors
    /// When it cannot be made, or holds something else than a store of ours.
    pub(crate) fn create(root: &Path) -> Result<Directory> {
        make_dir(root)?;
        let root = root.canonicalize().map_err(Error::file("find", root))?;
        // The object store under DataFusion takes none of them.
        if root.to_str().is_none_or(|path| path.contains(char::is_control)) {
            let message = format!("{root:?} has control characters or is not UTF-8; name the data directory otherwise");
            return Err(Error::Argument(message));
        }
        if !root.join(CATALOG).exists() && !only_ours(&root)? {
            return Err(Error::Argument(format!(
                "\"{}\" has files but no {CATALOG}: it is not a data directory of Mrrow, or has lost its catalog; name an empty \
                 directory or a new one, or restore {CATALOG} from a backup",
                root.display()
            )));
        }
        make_dir(&root.join("staging"))?;
        for table in Table::ALL {
            make_dir(&root.join("data").join(table.name()))?;
        }
        Ok(Directory { root, writers: Arc::default() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn catalog(&self) -> PathBuf {
        self.root.join(CATALOG)
    }

    /// Where an import keeps what is not yet part of any snapshot.
    pub(crate) fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    /// The full path of a data file that the catalog names.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Removes what a write that did not end has left: its staging, and data files that no snapshot names. Files that are not
    /// named as ours stay. Only the writer may call it.
    ///
    /// # Errors
    /// When a file is of a later snapshot than the next one: then the catalog is older than the data, and nothing is removed.
    pub(crate) fn sweep(&self, named: &HashSet<String>, last_snapshot: i64) -> Result<()> {
        let mut orphans = Vec::new();
        for table in Table::ALL {
            for path in entries(&self.root.join("data").join(table.name()))? {
                let relative = path.strip_prefix(&self.root).unwrap_or(&path).to_string_lossy().into_owned();
                let Some(snapshot) = snapshot_of_name(&path).filter(|_| !named.contains(&relative)) else { continue };
                if snapshot > last_snapshot + 1 {
                    let message = format!(
                        "the catalog ends at snapshot {last_snapshot}, but \"{relative}\" is of snapshot {snapshot}; \
                         restore the catalog that belongs to these files"
                    );
                    return Err(Error::Damaged(message));
                }
                orphans.push(path);
            }
        }
        for path in orphans {
            tracing::info!(file = %path.display(), "sweep an orphan file");
            fs::remove_file(&path).map_err(Error::file("remove", &path))?;
        }
        for path in entries(&self.staging())? {
            let ours = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(STAGING_PREFIX));
            if ours && path.is_dir() {
                fs::remove_dir_all(&path).map_err(Error::file("remove", &path))?;
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
            number: self.writers.fetch_add(1, Ordering::Relaxed),
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
    number: u32,
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
        Ok(std::mem::take(&mut self.finished))
    }

    /// Drops what was written of a work that is given up.
    fn discard(&mut self) {
        let open = self.open.take().map(|file| file.temporary);
        let finished = self.finished.drain(..).map(|file| self.directory.path(&file.path));
        for path in open.into_iter().chain(finished) {
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(file = %path.display(), %error, "remove a file of a given up write; the next writer sweeps it");
            }
        }
    }

    fn begin(&self) -> Result<OpenFile> {
        let name = format!("{:08}-{}-{}.parquet", self.snapshot, self.number, self.finished.len());
        let relative = format!("data/{}/{name}", self.table.name());
        let temporary = self.directory.root.join(format!("{relative}.tmp"));
        let create = OpenOptions::new().write(true).create_new(true).open(&temporary);
        let file = create.map_err(Error::file("create", &temporary))?;
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

impl Drop for FileWriter {
    fn drop(&mut self) {
        self.discard();
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

/// The snapshot that a data file's name begins with; none when the name is not one of ours.
fn snapshot_of_name(path: &Path) -> Option<i64> {
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_suffix(".tmp").unwrap_or(name).strip_suffix(".parquet")?;
    let mut parts = stem.split('-').map(|part| part.parse::<i64>().ok());
    let (snapshot, _writer, _part) = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(snapshot)
}

/// Whether a directory without a catalog holds at most what an interrupted first opening leaves.
fn only_ours(root: &Path) -> Result<bool> {
    for path in entries(root)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ours = match name.as_str() {
            "writer.lock" | "open.lock" => true,
            "data" | "staging" => path.is_dir() && holds_no_file(&path)?,
            _ => false,
        };
        if !ours {
            return Ok(false);
        }
    }
    Ok(true)
}

fn holds_no_file(dir: &Path) -> Result<bool> {
    for path in entries(dir)? {
        if !path.is_dir() || !holds_no_file(&path)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes a directory and those above it, and makes the entry of each new one durable.
fn make_dir(dir: &Path) -> Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_dir(parent)?;
    match fs::create_dir(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists || !dir.is_dir() => {
            return Err(Error::file("create", dir)(error));
        }
        _ => {}
    }
    sync_dir(parent)
}

fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::file("sync", dir))
}
