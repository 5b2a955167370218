//! The three files of a demo: written under other names, and under their own once all of them are
//! whole.

use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::{Path, PathBuf};

const BUFFER_BYTES: usize = 256 * 1024;

/// The names of the files, in the order in which they take them.
pub(crate) const NAMES: [&str; 3] = ["customers.ndjson", "plans.ndjson", "invoices.ndjson"];

/// The files while they are written. Dropped before [`Files::finish`], they leave nothing.
pub(crate) struct Files {
    pub(super) customers: Lines,
    pub(super) plans: Lines,
    pub(super) invoices: Lines,
}

/// What one file holds.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) path: PathBuf,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

impl Files {
    /// Begins the files in a directory, which is made where it is missing.
    pub(crate) fn begin(dir: &Path) -> Result<Files> {
        std::fs::create_dir_all(dir)?;
        let [customers, plans, invoices] = NAMES;
        Ok(Files {
            customers: Lines::begin(dir, customers)?,
            plans: Lines::begin(dir, plans)?,
            invoices: Lines::begin(dir, invoices)?,
        })
    }

    /// Gives the files their names, replacing others of these names.
    pub(crate) fn finish(self) -> Result<[Written; 3]> {
        let mut files = [self.customers, self.plans, self.invoices];
        for lines in &mut files {
            lines.sync()?;
        }
        let [customers, plans, invoices] = files.map(Lines::publish);
        let written = [customers?, plans?, invoices?];
        // Where a directory cannot be opened, as on Windows, its entries need no sync of their own.
        if let Some(Ok(dir)) = written[0].path.parent().map(File::open) {
            dir.sync_all()?;
        }
        Ok(written)
    }
}

/// A file of lines that has not its name yet.
pub(super) struct Lines {
    out: BufWriter<File>,
    unfinished: PathBuf,
    path: PathBuf,
    rows: u64,
}

impl Lines {
    fn begin(dir: &Path, name: &str) -> Result<Lines> {
        let unfinished = dir.join(format!(".{name}.unfinished"));
        let out = BufWriter::with_capacity(BUFFER_BYTES, File::create(&unfinished)?);
        Ok(Lines { out, unfinished, path: dir.join(name), rows: 0 })
    }

    /// Adds a line.
    pub(super) fn line(
        &mut self,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
    ) -> Result<()> {
        write(&mut self.out)?;
        self.rows += 1;
        self.out.write_all(b"\n")
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    fn sync(&mut self) -> Result<()> {
        self.out.flush()?;
        self.out.get_ref().sync_all()
    }

    fn publish(self) -> Result<Written> {
        let bytes = self.out.get_ref().metadata()?.len();
        std::fs::rename(&self.unfinished, &self.path)?;
        Ok(Written { path: self.path.clone(), rows: self.rows, bytes })
    }
}

impl Drop for Lines {
    /// Takes away what did not get its name; a file that did is not there under the other one.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.unfinished);
    }
}
