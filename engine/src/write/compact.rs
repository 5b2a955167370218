//! Compaction: many small files become few sorted ones. No public row changes.

mod fold;
mod ids;
mod plan;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::files::{DataFile, Layer, NewFile};
use crate::store::{SnapshotFiles, Store};
use crate::tables::Table;

pub(crate) use plan::{all_jobs, due_jobs};

/// The result of a compaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Compaction {
    /// Files replaced by others.
    pub files_replaced: usize,
    /// Files written.
    pub files_written: usize,
    /// Rows written.
    pub rows_written: i64,
    /// Files removed because no retained snapshot names them.
    pub files_removed: usize,
}

/// Files of tables that are rewritten together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CompactionJob {
    pub(crate) kind: CompactionKind,
    pub(crate) files: Vec<DataFile>,
}

impl CompactionJob {
    /// Whether all its files are current.
    pub(crate) fn is_live(&self, pinned: &SnapshotFiles) -> bool {
        self.files.iter().all(|file| pinned.files.iter().any(|live| live.id == file.id))
    }
}

/// The kind of a compaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CompactionKind {
    /// Merges small files of a layer.
    Merge(Table, Layer),
    /// Folds base and delta of a table into a new base; superseded versions go to the history.
    Fold(Table),
    /// Folds base and delta of all precomputed tables into a new base.
    FoldPrecomputed,
}

/// Writes the new files of each compaction. Publications go on meanwhile.
pub(crate) async fn write(
    store: &Store,
    pinned: &SnapshotFiles,
    jobs: Vec<CompactionJob>,
) -> Result<Vec<(CompactionJob, Vec<NewFile>)>> {
    let mut written: Vec<(CompactionJob, Vec<NewFile>)> = Vec::with_capacity(jobs.len());
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

async fn write_one(
    store: &Store,
    pinned: &SnapshotFiles,
    job: &CompactionJob,
) -> Result<Vec<NewFile>> {
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
    job: &CompactionJob,
    files: &mut Vec<NewFile>,
) -> Result<()> {
    match job.kind {
        CompactionKind::Merge(table @ Table::Ids(_), layer) => {
            files.extend(ids::merge(store, table, &job.files, layer).await?)
        }
        CompactionKind::Fold(table @ Table::Ids(_)) => {
            files.extend(ids::merge(store, table, &job.files, Layer::Base).await?)
        }
        CompactionKind::Merge(table, layer) => {
            files.extend(fold::merge(store, table, &job.files, layer).await?)
        }
        CompactionKind::Fold(table) => {
            files.extend(fold::current(store, pinned, table, &job.files).await?);
            files.extend(fold::superseded(store, table, &job.files).await?);
        }
        CompactionKind::FoldPrecomputed => {
            for table in Table::PRECOMPUTED {
                files.extend(fold::current(store, pinned, table, &job.files).await?);
            }
        }
    }
    Ok(())
}

/// Publishes the new files as one snapshot. A compaction is dropped if one of its files was
/// replaced meanwhile; false if all are dropped. The caller holds the publishing lock.
pub(crate) async fn publish(
    store: &Store,
    pinned: &SnapshotFiles,
    written: Vec<(CompactionJob, Vec<NewFile>)>,
    done: &mut Compaction,
) -> Result<bool> {
    let mut commit = store.next_commit(pinned, "compaction");
    // No row is computed: the precomputed rows keep their as_of.
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
