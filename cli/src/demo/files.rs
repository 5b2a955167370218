//! The three files of a demo. They are written under temporary names, and renamed when all are
//! complete.

use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::{Path, PathBuf};

const BUFFER_BYTES: usize = 256 * 1024;

/// The names of the files, in the order in which they are renamed.
pub(crate) const FILE_NAMES: [&str; 3] = ["customers.ndjson", "plans.ndjson", "invoices.ndjson"];

/// The files while they are written. Dropping them before [`DemoFiles::finish`] removes them.
pub(crate) struct DemoFiles {
    pub(super) customers: NdjsonFile,
    pub(super) plans: NdjsonFile,
    pub(super) invoices: NdjsonFile,
}

/// The size of one complete file.
#[derive(Debug, Clone)]
pub(crate) struct FileSummary {
    pub(crate) path: PathBuf,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

impl DemoFiles {
    /// Creates the files in a directory, and the directory if it is missing.
    pub(crate) fn create(dir: &Path) -> Result<DemoFiles> {
        std::fs::create_dir_all(dir)?;
        let [customers, plans, invoices] = FILE_NAMES;
        Ok(DemoFiles {
            customers: NdjsonFile::create(dir, customers)?,
            plans: NdjsonFile::create(dir, plans)?,
            invoices: NdjsonFile::create(dir, invoices)?,
        })
    }

    /// Renames the files to their names, replacing existing ones.
    pub(crate) fn finish(self) -> Result<[FileSummary; 3]> {
        let mut files = [self.customers, self.plans, self.invoices];
        for file in &mut files {
            file.sync()?;
        }
        let [customers, plans, invoices] = files.map(NdjsonFile::rename);
        let summaries = [customers?, plans?, invoices?];
        // A system that cannot open a directory, such as Windows, needs no fsync of its entries.
        if let Some(Ok(dir)) = summaries[0].path.parent().map(File::open) {
            dir.sync_all()?;
        }
        Ok(summaries)
    }
}

/// An NDJSON file under a temporary name.
pub(super) struct NdjsonFile {
    out: BufWriter<File>,
    unfinished: PathBuf,
    path: PathBuf,
    rows: u64,
}

impl NdjsonFile {
    fn create(dir: &Path, name: &str) -> Result<NdjsonFile> {
        let unfinished = dir.join(format!(".{name}.unfinished"));
        let out = BufWriter::with_capacity(BUFFER_BYTES, File::create(&unfinished)?);
        Ok(NdjsonFile { out, unfinished, path: dir.join(name), rows: 0 })
    }

    /// Writes a line.
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

    fn rename(self) -> Result<FileSummary> {
        let bytes = self.out.get_ref().metadata()?.len();
        std::fs::rename(&self.unfinished, &self.path)?;
        Ok(FileSummary { path: self.path.clone(), rows: self.rows, bytes })
    }
}

impl Drop for NdjsonFile {
    /// Removes an unfinished file. After a rename there is nothing to remove.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.unfinished);
    }
}
