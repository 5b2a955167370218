//! The write-ahead log of SQLite, and when it is moved into the catalog's file.

use rusqlite::Connection;

use super::Catalog;
use crate::error::Result;

/// Pages of the log, each of 4 KiB, from which on it is moved into the file.
const LOG_PAGES: i64 = 2048;

/// Bytes that the log's file keeps when the log starts over. SQLite writes over them; the fsync of
/// a file that grew takes half as long again.
const LOG_BYTES_LEFT: i64 = 64 * 1024 * 1024;

/// How each connection uses the log.
pub(super) const LOG_PRAGMAS: [(&str, i64); 2] = [
    // Else the transaction that writes the thousandth page would move all of them: see `checkpoint`.
    ("wal_autocheckpoint", 0),
    ("journal_size_limit", LOG_BYTES_LEFT),
];

impl Catalog {
    /// Moves the log into the file, if it has become large: most of it while others write, the rest
    /// while no process does, so that the log starts over.
    pub(crate) async fn checkpoint(&self) -> Result<()> {
        let (pages, moved) = self.connections.run_beside(log_pages).await?;
        // Pages that a reader still needed are tried again.
        if pages < LOG_PAGES || moved == pages {
            return Ok(());
        }
        self.connections.run_beside(move_log).await?;
        self.connections.run_alone(move_log).await
    }
}

/// The pages of the log since it started over, and those of them that are in the file.
fn log_pages(connection: &Connection) -> Result<(i64, i64)> {
    let pages = |row: &rusqlite::Row<'_>| Ok((row.get("log")?, row.get("checkpointed")?));
    Ok(connection.query_row("pragma wal_checkpoint(noop)", [], pages)?)
}

/// Moves the pages that no reader needs.
fn move_log(connection: &Connection) -> Result<()> {
    Ok(connection.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()))?)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::catalog::connection::connect;
    use crate::catalog::{Acknowledgement, InboxRows, snapshots};
    use crate::error::Error;
    use crate::model::ObjectType;

    /// Acknowledges requests of about a MiB each.
    async fn acknowledge(catalog: &Catalog, requests: std::ops::Range<i64>) -> Result<()> {
        let mut acknowledging = catalog.inbox_connection().await?;
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
            let acknowledged = Acknowledgement { rows: vec![rows], ..Acknowledgement::default() };
            acknowledging.acknowledge(&acknowledged, DateTime::UNIX_EPOCH).await?;
        }
        acknowledging.close();
        Ok(())
    }

    #[tokio::test]
    async fn log_starts_over_once_it_is_in_the_file() -> Result<()> {
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
        let mut reader = connect(&catalog.path)?;
        let reading = reader.transaction()?;
        snapshots::newest(&reading)?;
        acknowledge(&catalog, 13..14).await?;
        let of_more = log_bytes()?;
        catalog.checkpoint().await?;
        reading.rollback()?;
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
