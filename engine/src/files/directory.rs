//! The data directory: where its files are, and what of them is swept.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::tables::Table;

/// The catalog's file.
const CATALOG: &str = "catalog.db";

/// The socket on which a server that holds the directory carries out what the command line asks
/// for.
const SERVER_SOCKET: &str = "server.sock";

/// The key of whoever keeps secrets beside the data; temporary files of it begin alike.
const SECRET_KEY: &str = "secret.key";

/// What an import's staging directory is called, before its random part.
const STAGING_PREFIX: &str = "import-";

/// Numbers the files of this process: no two ever share a name, whoever opened the directory.
static FILES: AtomicU32 = AtomicU32::new(0);

/// The data directory's files.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    root: PathBuf,
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
            let message = format!(
                "{root:?} has control characters or is not UTF-8; name the data directory otherwise"
            );
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
        Ok(Directory { root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn catalog(&self) -> PathBuf {
        self.root.join(CATALOG)
    }

    /// The process that writes; none when nobody does.
    pub(crate) fn writer_pid(&self) -> Result<Option<String>> {
        crate::files::lock::holder(&self.root)
    }

    /// Where an import keeps what is not yet part of any snapshot.
    pub(crate) fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    /// A new directory in the staging, for this user alone. It is removed when it is dropped, or by
    /// the next writer.
    pub(crate) fn new_staging(&self) -> Result<TempDir> {
        TempDir::with_prefix_in(STAGING_PREFIX, self.staging())
            .map_err(Error::file("create", self.staging()))
    }

    /// Where a server listens to the command line.
    pub(crate) fn server_socket(&self) -> PathBuf {
        self.root.join(SERVER_SOCKET)
    }

    /// The full path of a data file that the catalog names.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Removes what a write that did not end has left: its staging, and data files that no snapshot
    /// names. Files that are not named as ours stay. Only the writer may call it.
    ///
    /// # Errors
    /// When a file is of a later snapshot than the next one: then the catalog is older than the
    /// data, and nothing is removed.
    pub(crate) fn sweep(&self, named: &HashSet<String>, last_snapshot: i64) -> Result<()> {
        let mut orphans = Vec::new();
        for table in Table::ALL {
            for path in entries(&self.root.join("data").join(table.name()))? {
                let relative =
                    path.strip_prefix(&self.root).unwrap_or(&path).to_string_lossy().into_owned();
                let Some(snapshot) = snapshot_of_name(&path).filter(|_| !named.contains(&relative))
                else {
                    continue;
                };
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
            let ours = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(STAGING_PREFIX));
            if ours && path.is_dir() {
                fs::remove_dir_all(&path).map_err(Error::file("remove", &path))?;
            }
        }
        Ok(())
    }

    /// The name of a new data file, relative to the directory; no other file ever has it.
    pub(super) fn new_name(&self, table: Table, snapshot: i64) -> String {
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        format!("data/{}/{snapshot:08}-{}-{number}.parquet", table.name(), std::process::id())
    }

    /// Makes the entries of new files of a table durable.
    pub(super) fn sync_table(&self, table: Table) -> Result<()> {
        sync_dir(&self.root.join("data").join(table.name()))
    }

    /// Removes files that the catalog names no longer; one that is not there is gone already.
    pub(crate) fn remove(&self, files: &[String]) -> Result<()> {
        for file in files {
            let path = self.path(file);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::file("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
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
            "writer.lock" | "open.lock" | SERVER_SOCKET => true,
            // Of whoever encrypts credentials with it, who may be quicker or outlive a lost catalog
            // without a record.
            name if name.starts_with(SECRET_KEY) => true,
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
    let parent =
        dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
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
