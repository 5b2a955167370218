//! The inbox: acknowledged pushes that are not yet in a data file.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, TransactionBehavior, params};

use super::{Catalog, RememberedAnswer, idempotency, unblocked};
use crate::catalog::connection::{WriteLock, all, connect, execute, first};
use crate::catalog::data_sources::ADD_DATA_SOURCE;
use crate::error::{Error, Result};
use crate::model::ObjectType;

/// Rows of one type in one request, or in several that were validated together; a request goes into
/// a snapshot whole.
#[derive(Debug, Clone)]
pub(crate) struct InboxRows {
    pub(crate) object: ObjectType,
    pub(crate) first_sequence: i64,
    pub(crate) last_sequence: i64,
    /// The last sequence of the request, which may have rows of other types after these.
    pub(crate) request_last_sequence: i64,
    /// The rows as an Arrow IPC stream, compressed or not.
    pub(crate) rows: Vec<u8>,
    /// The bytes of that stream when it is not compressed.
    pub(crate) memory_bytes: u64,
}

/// Everything that one transaction acknowledges: the rows of requests, the data sources that they
/// name, and the answers to remember.
#[derive(Debug, Default)]
pub(crate) struct Acknowledgement {
    pub(crate) rows: Vec<InboxRows>,
    pub(crate) data_sources: BTreeSet<String>,
    pub(crate) answers: Vec<RememberedAnswer>,
}

/// The connection of the commit loop, which uses it on its own thread: an acknowledgement changes
/// no thread, waits for no reader, and for other writers of this process in turn.
pub(crate) struct InboxConnection {
    connection: Connection,
    writing: Arc<WriteLock>,
}

impl InboxConnection {
    /// Makes requests durable, all or none. It blocks its thread until they are on the disk.
    pub(crate) async fn acknowledge(
        &mut self,
        acknowledgement: &Acknowledgement,
        at: DateTime<Utc>,
    ) -> Result<()> {
        let _writing = self.writing.lock().await;
        // It rolls back when it is dropped.
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for rows in &acknowledgement.rows {
            insert(&transaction, rows)?;
        }
        for id in &acknowledgement.data_sources {
            execute(&transaction, ADD_DATA_SOURCE, (id, at.timestamp_micros()))?;
        }
        for answer in &acknowledgement.answers {
            idempotency::remember(&transaction, answer, at)?;
        }
        Ok(transaction.commit()?)
    }

    pub(crate) fn close(self) {
        // Everything that was acknowledged is durable, however the connection ends.
        let _ = self.connection.close();
    }
}

impl Catalog {
    /// Opens the connection of the commit loop.
    pub(crate) async fn inbox_connection(&self) -> Result<InboxConnection> {
        let path = self.path.clone();
        let connection = unblocked("open", move || connect(&path)).await?;
        Ok(InboxConnection { connection, writing: self.connections.write_lock() })
    }

    /// The requests up to a sequence that are not yet in a data file, in the order of their
    /// receipt: as many as take so many bytes of memory together, or the first alone if it takes
    /// more. A request is there whole or not at all.
    pub(crate) async fn inbox(&self, until: i64, bytes_max: u64) -> Result<Vec<InboxRows>> {
        // The column `rows`, which is the last of the table, is read of the chosen requests alone.
        let sql = "with requests as (
               select request_last_sequence, sum(memory_bytes) as bytes from inbox
               where last_sequence <= ?1 group by request_last_sequence
             ),
             steps as (
               select request_last_sequence, bytes, sum(bytes) over (order by request_last_sequence) as bytes_to_here
               from requests
             )
             select * from inbox
             where last_sequence <= ?1 and request_last_sequence in (
               select request_last_sequence from steps where bytes_to_here <= ?2 or bytes_to_here = bytes)
             order by first_sequence";
        let bytes_max = i64::try_from(bytes_max).unwrap_or(i64::MAX);
        self.connections
            .read(move |connection| all(connection, sql, [until, bytes_max], inbox_rows))
            .await
    }

    /// The greatest sequence in the inbox; none when it is empty.
    pub(crate) async fn inbox_end(&self) -> Result<Option<i64>> {
        let end = |connection: &Connection| {
            first(connection, "select max(last_sequence) from inbox", [], |row| Ok(row.get(0)?))
        };
        Ok(self.connections.read(end).await?.flatten())
    }
}

fn insert(connection: &Connection, rows: &InboxRows) -> Result<()> {
    let sql = "insert into inbox
      (first_sequence, last_sequence, request_last_sequence, object, rows, memory_bytes)
      values (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = params![
        rows.first_sequence,
        rows.last_sequence,
        rows.request_last_sequence,
        rows.object.name(),
        rows.rows,
        rows.memory_bytes as i64
    ];
    execute(connection, sql, values)?;
    Ok(())
}

fn inbox_rows(row: &Row<'_>) -> Result<InboxRows> {
    let object: String = row.get("object")?;
    Ok(InboxRows {
        object: object.parse().map_err(Error::Internal)?,
        first_sequence: row.get("first_sequence")?,
        last_sequence: row.get("last_sequence")?,
        request_last_sequence: row.get("request_last_sequence")?,
        rows: row.get("rows")?,
        memory_bytes: row.get::<_, i64>("memory_bytes")? as u64,
    })
}

/// Removes the requests that are published.
pub(super) fn empty_until(connection: &Connection, sequence: i64) -> Result<()> {
    execute(connection, "delete from inbox where last_sequence <= ?1", [sequence])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Rows of a request that ends with a sequence.
    fn rows(first_sequence: i64, request_last_sequence: i64, memory_bytes: u64) -> InboxRows {
        let last_sequence = first_sequence + 1;
        let (object, rows) = (ObjectType::Plans, vec![7; 10]);
        InboxRows {
            object,
            first_sequence,
            last_sequence,
            request_last_sequence,
            rows,
            memory_bytes,
        }
    }

    #[tokio::test]
    async fn inbox_is_read_in_steps_of_whole_requests() -> Result<()> {
        let dir = tempfile::tempdir().map_err(Error::file("create", "a temporary directory"))?;
        let catalog = Catalog::open(&dir.path().join("catalog.db")).await?;
        let mut acknowledging = catalog.inbox_connection().await?;
        // Two requests, of which the first has rows of two types, and one that takes more memory
        // than it has bytes here.
        for rows in [rows(1, 4, 10), rows(3, 4, 10), rows(5, 6, 10), rows(7, 8, 1000)] {
            let acknowledged = Acknowledgement { rows: vec![rows], ..Acknowledgement::default() };
            acknowledging.acknowledge(&acknowledged, DateTime::UNIX_EPOCH).await?;
        }
        for (until, bytes_max, expected) in [
            (8, 1030, vec![1, 3, 5, 7]),
            (8, 1029, vec![1, 3, 5]),
            (8, 29, vec![1, 3]),
            (4, 9999, vec![1, 3]),
            (8, 5, vec![1, 3]),
            (0, 9999, vec![]),
        ] {
            let read = catalog.inbox(until, bytes_max).await?;
            assert_eq!(
                read.iter().map(|rows| rows.first_sequence).collect::<Vec<_>>(),
                expected,
                "{until} {bytes_max}"
            );
        }
        acknowledging.close();
        catalog.close().await;
        Ok(())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn has_snapshot_waits_for_the_transaction_of_another_process() -> Result<()> {
        let dir = tempfile::tempdir().map_err(Error::file("create", "a temporary directory"))?;
        let catalog = Catalog::open(&dir.path().join("catalog.db")).await?;
        let other = connect(&catalog.path)?;
        other.execute_batch(
            "begin immediate;
             insert into snapshot (id, committed_at, as_of, settings, first_sequence, last_sequence, last_refresh, cause)
             values (1, 0, '2024-01-01', '{}', 1, 0, 0, 'push')",
        )?;
        let mut answer = std::pin::pin!(catalog.has_snapshot(1));
        // The answer cannot come before the commit; the timeout bounds the test alone.
        let early = tokio::time::timeout(Duration::from_millis(100), &mut answer).await;
        assert!(early.is_err(), "answered while the transaction was open: {early:?}");
        other.execute_batch("commit")?;
        assert!(answer.await?);
        Ok(())
    }

    #[tokio::test]
    async fn acknowledgement_is_written_whole_or_not_at_all() -> Result<()> {
        let dir = tempfile::tempdir().map_err(Error::file("create", "a temporary directory"))?;
        let catalog = Catalog::open(&dir.path().join("catalog.db")).await?;
        let mut acknowledging = catalog.inbox_connection().await?;
        let request = rows(1, 2, 10);
        let twice = Acknowledgement {
            rows: vec![request.clone(), request.clone()],
            ..Acknowledgement::default()
        };
        assert!(acknowledging.acknowledge(&twice, DateTime::UNIX_EPOCH).await.is_err());
        assert_eq!(catalog.inbox_end().await?, None);
        let once = Acknowledgement { rows: vec![request], ..Acknowledgement::default() };
        acknowledging.acknowledge(&once, DateTime::UNIX_EPOCH).await?;
        assert_eq!(catalog.inbox_end().await?, Some(2));
        Ok(())
    }
}
