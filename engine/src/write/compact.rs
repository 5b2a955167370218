//! Compaction: small files that lie over one another become few sorted ones. The content stays as
//! it is.

mod fold;
mod ids;
mod plan;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::files::{DataFile, Layer, NewFile};
use crate::store::{SnapshotFiles, Store};
use crate::tables::Table;

pub(crate) use plan::{all_jobs, due_jobs};

/// What compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Compaction {
    /// Files whose rows are in other files now.
    pub files_replaced: usize,
    /// Files written.
    pub files_written: usize,
    /// Rows written.
    pub rows_written: i64,
    /// Files removed, since no kept snapshot needs them.
    pub files_removed: usize,
}

/// Files of tables that belong together, to be written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) kind: Kind,
    pub(crate) files: Vec<DataFile>,
}

impl Job {
    /// Whether all its files are current.
    pub(crate) fn is_live(&self, pinned: &SnapshotFiles) -> bool {
        self.files.iter().all(|file| pinned.files.iter().any(|live| live.id == file.id))
    }
}

/// What becomes of a job's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Small files of a layer become one.
    Merge(Table, Layer),
    /// Base and delta of a table become a new base; superseded versions become history.
    Fold(Table),
    /// Base and delta of all precomputed tables become a new base.
    FoldPrecomputed,
}

/// Writes the files that take the place of those of jobs. Publications may go on.
pub(crate) async fn write(
    store: &Store,
    pinned: &SnapshotFiles,
    jobs: Vec<Job>,
) -> Result<Vec<(Job, Vec<NewFile>)>> {
    let mut written: Vec<(Job, Vec<NewFile>)> = Vec::with_capacity(jobs.len());
    for job in jobs {
        match write_one(store, pinned, &job).await {
            Ok(files) => written.push((job, files)),
            Err(error) => {
                for (_, files) in &written {
                    store.give_up(files)?;
                }
                return Err(error);
            }
        }
    }
    Ok(written)
}

async fn write_one(store: &Store, pinned: &SnapshotFiles, job: &Job) -> Result<Vec<NewFile>> {
    let mut files = Vec::new();
    let written = write_into(store, pinned, job, &mut files).await;
    if written.is_err() {
        store.give_up(&files)?;
    }
    written.map(|()| files)
}

async fn write_into(
    store: &Store,
    pinned: &SnapshotFiles,
    job: &Job,
    files: &mut Vec<NewFile>,
) -> Result<()> {
    match job.kind {
        Kind::Merge(table @ Table::Ids(_), layer) => {
            files.extend(ids::merge(store, table, &job.files, layer).await?)
        }
        Kind::Fold(table @ Table::Ids(_)) => {
            files.extend(ids::merge(store, table, &job.files, Layer::Base).await?)
        }
        Kind::Merge(table, layer) => {
            files.extend(fold::merge(store, table, &job.files, layer).await?)
        }
        Kind::Fold(table) => {
            files.extend(fold::current(store, pinned, table, &job.files).await?);
            files.extend(fold::superseded(store, table, &job.files).await?);
        }
        Kind::FoldPrecomputed => {
            for table in Table::PRECOMPUTED {
                files.extend(fold::current(store, pinned, table, &job.files).await?);
            }
        }
    }
    Ok(())
}

/// Publishes new files in the place of those of jobs, as one snapshot. Those of a job of which
/// files were replaced meanwhile are given up; false when that is so for all. The caller holds the
/// right to publish.
pub(crate) async fn publish(
    store: &Store,
    pinned: &SnapshotFiles,
    written: Vec<(Job, Vec<NewFile>)>,
    done: &mut Compaction,
) -> Result<bool> {
    let mut commit = store.next_commit(pinned, "compaction");
    // Nothing is computed: the precomputed rows are still those of that day.
    commit.snapshot.as_of = pinned.info.as_of;
    for (job, files) in written {
        if job.is_live(pinned) {
            commit.replaced_files.extend(job.files.iter().map(|file| file.id));
            commit.files.extend(files);
        } else {
            store.give_up(&files)?;
        }
    }
    if commit.replaced_files.is_empty() {
        return Ok(false);
    }
    done.files_replaced += commit.replaced_files.len();
    done.files_written += commit.files.len();
    done.rows_written += commit.files.iter().map(|file| file.rows).sum::<i64>();
    store.commit(commit).await?;
    Ok(true)
}
