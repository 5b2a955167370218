//! The log that SQLite writes first, and when it is moved into the catalog's file.

use sqlx::Row;

use super::Catalog;
use crate::error::Result;

/// Pages of the log, each of 4 KiB, from which on it is moved into the file.
const LOG_PAGES: i64 = 2048;

/// What the log's file is shortened to when the log begins anew. Room that is there is written
/// again: the fsync of a file that grew takes half as long again.
const LOG_BYTES_LEFT: i64 = 64 * 1024 * 1024;

/// How each connection uses the log.
pub(super) const LOG_PRAGMAS: [(&str, i64); 2] = [
    // Whoever happens to write the thousandth page would wait for all of them: see `checkpoint`.
    ("wal_autocheckpoint", 0),
    ("journal_size_limit", LOG_BYTES_LEFT),
];

/// Counts the pages of the log since it began anew, and those of them that are in the file.
const CHECK_LOG: &str = "pragma wal_checkpoint(noop)";

/// Moves what it can without waiting for anybody.
const CHECKPOINT: &str = "pragma wal_checkpoint(passive)";

impl Catalog {
    /// Moves what was written from the log into the file, if it has become much: most of it while
    /// others write, the rest while nobody does, so that the log begins anew.
    pub(crate) async fn checkpoint(&self) -> Result<()> {
        let log = sqlx::query(CHECK_LOG).fetch_one(&self.pool).await?;
        let (pages, moved): (i64, i64) = (log.try_get("log")?, log.try_get("checkpointed")?);
        // What a reader was in the way of is tried again.
        if pages < LOG_PAGES || moved == pages {
            return Ok(());
        }
        sqlx::query(CHECKPOINT).execute(&self.pool).await?;
        let mut connection = self.pool.acquire().await?;
        let _writing = self.writing.lock().await;
        sqlx::query(CHECKPOINT).execute(&mut *connection).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use sqlx::Connection;

    use super::*;
    use crate::catalog::{Acknowledged, InboxRows, snapshots};
    use crate::error::Error;
    use crate::model::ObjectType;

    /// Acknowledges requests of about a MiB each.
    async fn acknowledge(catalog: &Catalog, requests: std::ops::Range<i64>) -> Result<()> {
        let mut acknowledging = catalog.acknowledging().await?;
        for sequence in requests {
            let (object, rows, memory_bytes) = (ObjectType::Plans, vec![7; 1 << 20], 1 << 20);
            let (first_sequence, last_sequence, request_last_sequence) =
                (sequence, sequence, sequence);
            let rows = InboxRows {
                object,
                first_sequence,
                last_sequence,
                request_last_sequence,
                rows,
                memory_bytes,
            };
            let acknowledged = Acknowledged { rows: vec![rows], ..Acknowledged::default() };
            acknowledging.acknowledge(&acknowledged, DateTime::UNIX_EPOCH).await?;
        }
        acknowledging.close();
        Ok(())
    }

    #[tokio::test]
    async fn what_is_moved_into_the_file_makes_room_in_the_log() -> Result<()> {
        let dir = tempfile::tempdir().map_err(Error::file("create", "a temporary directory"))?;
        let catalog = Catalog::open(&dir.path().join("catalog.db")).await?;
        let log = dir.path().join("catalog.db-wal");
        let log_bytes =
            || std::fs::metadata(&log).map(|log| log.len()).map_err(Error::file("read", &log));
        acknowledge(&catalog, 1..5).await?;
        let of_few = log_bytes()?;
        catalog.checkpoint().await?;
        acknowledge(&catalog, 5..13).await?;
        let of_many = log_bytes()?;
        assert!(
            of_many > of_few + (7 << 20),
            "few pages are not moved: {of_few} and {of_many} bytes"
        );
        let mut reader = catalog.pool.acquire().await?;
        let mut reading = reader.begin().await?;
        snapshots::newest(&mut reading).await?;
        acknowledge(&catalog, 13..14).await?;
        let of_more = log_bytes()?;
        catalog.checkpoint().await?;
        reading.rollback().await?;
        drop(reader);
        acknowledge(&catalog, 14..15).await?;
        assert!(log_bytes()? > of_more, "a reader is in the way");
        let of_all = log_bytes()?;
        catalog.checkpoint().await?;
        acknowledge(&catalog, 15..25).await?;
        assert_eq!(log_bytes()?, of_all, "the room is written again, and not given back");
        catalog.close().await;
        Ok(())
    }
}
