//! A commit publishes one snapshot: its files, its new data sources, and the end of their inbox.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::Connection;

use super::{Catalog, SnapshotFiles, SnapshotInfo};
use super::{data_sources, file_rows, inbox, snapshots};
use crate::catalog::connection::{execute, exists};
use crate::catalog::snapshots::{NewestFiles, newest_files};
use crate::error::Result;
use crate::files::{DataFile, NewFile};

/// Everything that one snapshot changes; it is published whole or not at all.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) snapshot: SnapshotInfo,
    pub(crate) files: Vec<NewFile>,
    /// The ids of the files that the snapshot no longer has; each is current.
    pub(crate) replaced_files: Vec<i64>,
    pub(crate) data_sources: Vec<String>,
    /// The requests up to this sequence are in the files, and leave the inbox.
    pub(crate) inbox_until: i64,
}

impl Catalog {
    /// Publishes a snapshot in one durable transaction, and returns it with its files.
    pub(crate) async fn commit(&self, commit: Commit) -> Result<SnapshotFiles> {
        let cache = Arc::clone(&self.newest_files);
        let published =
            self.connections.write(move |connection| write(connection, commit, &cache)).await?;
        self.newest_files.put(published.info.id, &published.files);
        Ok(published)
    }

    /// Waits for the end of a canceled transaction: it is carried through once it has begun.
    pub(crate) async fn settle(&self) -> Result<()> {
        self.connections.write(|_| Ok(())).await
    }

    /// Whether there is a snapshot with this number, once every transaction that has begun is over.
    pub(crate) async fn has_snapshot(&self, id: i64) -> Result<bool> {
        let sql = "select 1 from snapshot where id = ?1";
        self.connections.write(move |connection| exists(connection, sql, [id])).await
    }
}

fn write(connection: &Connection, commit: Commit, cache: &NewestFiles) -> Result<SnapshotFiles> {
    let id = commit.snapshot.id;
    let before = newest_files(connection, cache, id - 1)?;
    let info = snapshots::insert(connection, &commit.snapshot)?;
    for file in &commit.replaced_files {
        file_rows::end(connection, *file, id)?;
    }
    let replaced: HashSet<i64> = commit.replaced_files.into_iter().collect();
    let remaining = before.iter().filter(|file| !replaced.contains(&file.id));
    let mut files: Vec<DataFile> = remaining.cloned().collect();
    for file in commit.files {
        files.push(file_rows::insert(connection, file, id)?);
    }
    let at = info.committed_at.timestamp_micros();
    for source in &commit.data_sources {
        execute(connection, data_sources::ADD_DATA_SOURCE, (source, at))?;
    }
    inbox::empty_until(connection, commit.inbox_until)?;
    Ok(SnapshotFiles { info, files: files.into() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use chrono::DateTime;
    use tempfile::TempDir;

    use super::*;
    use crate::files::{Bucket, Layer};
    use crate::model::Settings;
    use crate::tables::Table;

    fn commit(id: i64, files: &[&str], replaced_files: Vec<i64>) -> Commit {
        let file = |path: &&str| NewFile {
            table: Table::ALL[0],
            layer: Layer::Delta,
            bucket: Bucket { bits: 0, number: 0 },
            path: path.to_string(),
            rows: 1,
            bytes: 10,
            superseded_rows: 0,
        };
        Commit {
            snapshot: SnapshotInfo {
                id,
                committed_at: DateTime::UNIX_EPOCH,
                as_of: DateTime::UNIX_EPOCH.date_naive(),
                settings: Settings::default(),
                first_sequence: id,
                last_sequence: id,
                last_refresh: 0,
                cause: "push".to_string(),
                files_kept: true,
            },
            files: files.iter().map(file).collect(),
            replaced_files,
            data_sources: vec!["shop".to_string()],
            inbox_until: 0,
        }
    }

    fn paths(snapshot: &SnapshotFiles) -> Vec<&str> {
        snapshot.files.iter().map(|file| file.path.as_str()).collect()
    }

    async fn catalog(dir: &TempDir) -> Catalog {
        Catalog::open(&dir.path().join("catalog.db")).await.unwrap()
    }

    #[tokio::test]
    async fn commit_returns_the_snapshot_as_it_is_read_later() {
        let dir = tempfile::tempdir().unwrap();
        let writer = catalog(&dir).await;
        assert!(writer.pin().await.unwrap().is_none());
        let first = writer.commit(commit(1, &["a", "b"], vec![])).await.unwrap();
        assert_eq!(paths(&first), ["a", "b"]);
        let second = writer.commit(commit(2, &["c"], vec![first.files[0].id])).await.unwrap();
        assert_eq!(paths(&second), ["b", "c"]);
        assert!(second.info.committed_at > first.info.committed_at, "the clock stands still");
        let pinned = writer.pin().await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&pinned.files, &second.files), "the list is read again");
        let read = catalog(&dir).await.pin().await.unwrap().unwrap();
        assert_eq!((&read.info, &read.files), (&second.info, &second.files));
    }

    #[tokio::test]
    async fn commit_of_another_process_is_pinned() {
        let dir = tempfile::tempdir().unwrap();
        let (reader, writer) = (catalog(&dir).await, catalog(&dir).await);
        let first = writer.commit(commit(1, &["a"], vec![])).await.unwrap();
        assert_eq!(paths(&reader.pin().await.unwrap().unwrap()), ["a"]);
        reader.commit(commit(2, &["b"], vec![first.files[0].id])).await.unwrap();
        assert_eq!(paths(&writer.pin().await.unwrap().unwrap()), ["b"]);
    }

    #[tokio::test]
    async fn failed_commit_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let catalog = catalog(&dir).await;
        catalog.commit(commit(1, &["a"], vec![])).await.unwrap();
        // The file is not current, the snapshot is there, the path is taken.
        for wrong in
            [commit(2, &["b"], vec![7]), commit(1, &["b"], vec![]), commit(2, &["a"], vec![])]
        {
            assert!(catalog.commit(wrong).await.is_err());
            assert!(!catalog.has_snapshot(2).await.unwrap());
            assert_eq!(paths(&catalog.pin().await.unwrap().unwrap()), ["a"]);
        }
        let second = catalog.commit(commit(2, &["b"], vec![])).await.unwrap();
        assert_eq!(paths(&second), ["a", "b"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn canceled_commit_is_there_or_not_once_it_is_settled() {
        let dir = tempfile::tempdir().unwrap();
        let catalog = catalog(&dir).await;
        let mut newest = 0;
        for round in 0..40 {
            let committing = catalog.commit(commit(newest + 1, &[], vec![]));
            let patience = std::time::Duration::from_micros(round * 25);
            let _ = tokio::time::timeout(patience, committing).await;
            let is_there = catalog.has_snapshot(newest + 1).await.unwrap();
            // Nothing that was canceled comes later.
            for _ in 0..3 {
                catalog.settle().await.unwrap();
                assert_eq!(catalog.has_snapshot(newest + 1).await.unwrap(), is_there);
            }
            newest += i64::from(is_there);
        }
    }
}
