//! The data directory: the places of its files, and the sweep of files that no snapshot names.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::data_files::DataFiles;
use super::local_directory::{entries, make_dir};
use crate::error::{Error, Result};
use crate::tables::Table;

/// The catalog's file.
const CATALOG: &str = "catalog.db";

/// The socket on which a server that holds the directory receives the commands of the command line.
const SERVER_SOCKET: &str = "server.sock";

/// The key that encrypts secrets beside the data; the names of its temporary files begin alike.
const SECRET_KEY: &str = "secret.key";

/// The name of an import's staging directory, before its random part.
const STAGING_PREFIX: &str = "import-";

/// A data directory.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    root: PathBuf,
    data_files: DataFiles,
}

impl Directory {
    /// Makes the directory if it is missing, durably.
    ///
    /// # Errors
    /// When it cannot be made, or contains something else than a store of ours.
    pub(crate) fn create(root: &Path) -> Result<Directory> {
        make_dir(root)?;
        let root = root.canonicalize().map_err(Error::file("find", root))?;
        // DataFusion's object store accepts none of them.
        if root.to_str().is_none_or(|path| path.contains(char::is_control)) {
            let message = format!(
                "{root:?} has control characters or is not UTF-8; name the data directory otherwise"
            );
            return Err(Error::Argument(message));
        }
        if !root.join(CATALOG).exists() && !only_ours(&root)? {
            return Err(Error::Argument(format!(
                "\"{}\" has files but no {CATALOG}: it is not a data directory of Mrrow, or has \
                 lost its catalog; name an empty directory or a new one, or restore {CATALOG} from \
                 a backup",
                root.display()
            )));
        }
        make_dir(&root.join("staging"))?;
        let data_files = DataFiles::under(&root);
        data_files.make_directories()?;
        Ok(Directory { root, data_files })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn catalog(&self) -> PathBuf {
        self.root.join(CATALOG)
    }

    pub(crate) fn data_files(&self) -> &DataFiles {
        &self.data_files
    }

    /// The id of the process that writes; none if no process does.
    pub(crate) fn writer_pid(&self) -> Result<Option<String>> {
        crate::files::lock::holder(&self.root)
    }

    /// The place for files of an import or upload before a snapshot names them.
    pub(crate) fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    /// A new directory in the staging, readable by this user alone. It is removed when it is
    /// dropped, or by the next writer.
    pub(crate) fn new_staging(&self) -> Result<TempDir> {
        TempDir::with_prefix_in(STAGING_PREFIX, self.staging())
            .map_err(Error::file("create", self.staging()))
    }

    /// The socket of a server for the command line.
    pub(crate) fn server_socket(&self) -> PathBuf {
        self.root.join(SERVER_SOCKET)
    }

    /// Removes the files of a write that did not end: its staging, and data files that no snapshot
    /// names. Files without a name of ours stay. Only the writer may call it.
    ///
    /// # Errors
    /// When a file is of a later snapshot than the next one. Then the catalog is older than the
    /// data, and nothing is removed.
    pub(crate) fn sweep(&self, named: &HashSet<String>, last_snapshot: i64) -> Result<()> {
        let mut orphans = Vec::new();
        for table in Table::ALL {
            let files = self.data_files.list(table)?;
            for (name, snapshot) in files.into_iter().filter(|(name, _)| !named.contains(name)) {
                if snapshot > last_snapshot + 1 {
                    let message = format!(
                        "the catalog ends at snapshot {last_snapshot}, but \"{name}\" is of \
                         snapshot {snapshot}; restore the catalog that belongs to these files"
                    );
                    return Err(Error::Damaged(message));
                }
                orphans.push(name);
            }
        }
        for name in &orphans {
            tracing::info!(file = %name, "sweep an orphan file");
        }
        self.data_files.remove(orphans.iter().map(String::as_str))?;
        for path in entries(&self.staging())? {
            let is_ours = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(STAGING_PREFIX));
            if is_ours && path.is_dir() {
                fs::remove_dir_all(&path).map_err(Error::file("remove", &path))?;
            }
        }
        Ok(())
    }

    /// Removes data files that the catalog does not name any more.
    pub(crate) fn remove(&self, files: &[String]) -> Result<()> {
        self.data_files.remove(files.iter().map(String::as_str))
    }
}

/// Whether a directory without a catalog contains at most the files of an interrupted first
/// opening.
fn only_ours(root: &Path) -> Result<bool> {
    for path in entries(root)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_ours = match name.as_str() {
            "writer.lock" | "open.lock" | SERVER_SOCKET => true,
            // The key may be older than the catalog, or outlive one that is lost.
            name if name.starts_with(SECRET_KEY) => true,
            "data" | "staging" => path.is_dir() && holds_no_file(&path)?,
            _ => false,
        };
        if !is_ours {
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
