//! The inbox: acknowledged pushes that are not yet in a file.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};
use sqlx::{Row, SqliteConnection};
use tokio::sync::Mutex;

use super::{BUSY_TIMEOUT, Catalog, RememberedAnswer, idempotency};
use crate::catalog::data_sources::ADD_DATA_SOURCE;
use crate::catalog::wal::LOG_PRAGMAS;
use crate::error::{Error, Result};
use crate::model::ObjectType;

/// Rows of one type in one request, or in several that were admitted side by side; a request goes
/// into a snapshot whole.
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

/// What one transaction acknowledges: requests side by side, the data sources they name, and the
/// answers to be remembered.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    pub(crate) rows: Vec<InboxRows>,
    pub(crate) data_sources: BTreeSet<String>,
    pub(crate) answers: Vec<RememberedAnswer>,
}

const ADD_ROWS: &str =
    "insert into inbox (first_sequence, last_sequence, request_last_sequence, object, rows, memory_bytes)
     values (?1, ?2, ?3, ?4, ?5, ?6)";

/// The acknowledger's own way into the catalog: it waits for no reader, for no other writer of this
/// process longer than that one takes, and for no other thread, as each of sqlx's connections has
/// one.
pub(crate) struct Acknowledging {
    connection: Connection,
    writing: Arc<Mutex<()>>,
}

impl Acknowledging {
    /// Makes requests durable, all or none; the thread waits for the disk.
    pub(crate) async fn acknowledge(
        &mut self,
        acknowledged: &Acknowledged,
        at: DateTime<Utc>,
    ) -> Result<()> {
        let _writing = self.writing.lock().await;
        // What is not committed is rolled back when it is dropped.
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for of_type in &acknowledged.rows {
            let InboxRows {
                object,
                first_sequence,
                last_sequence,
                request_last_sequence,
                rows,
                memory_bytes,
            } = of_type;
            let (object, memory_bytes) = (object.name(), *memory_bytes as i64);
            transaction.prepare_cached(ADD_ROWS)?.execute(params![
                first_sequence,
                last_sequence,
                request_last_sequence,
                object,
                rows,
                memory_bytes
            ])?;
        }
        for id in &acknowledged.data_sources {
            transaction
                .prepare_cached(ADD_DATA_SOURCE)?
                .execute(params![id, at.timestamp_micros()])?;
        }
        acknowledged
            .answers
            .iter()
            .try_for_each(|answer| idempotency::remember(&transaction, answer, at))?;
        Ok(transaction.commit()?)
    }

    pub(crate) fn close(self) {
        // What was acknowledged is durable, however the connection ends.
        let _ = self.connection.close();
    }
}

impl Catalog {
    /// Opens the way for acknowledgements.
    pub(crate) async fn acknowledging(&self) -> Result<Acknowledging> {
        let path = self.options.get_filename().to_path_buf();
        let opening = tokio::task::spawn_blocking(move || {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.pragma_update(None, "synchronous", "full")?;
            LOG_PRAGMAS
                .iter()
                .try_for_each(|(name, value)| connection.pragma_update(None, name, value))?;
            Ok::<_, rusqlite::Error>(connection)
        });
        let connection = opening
            .await
            .map_err(|error| Error::Internal(format!("open the inbox: {error}")))??;
        Ok(Acknowledging { connection, writing: Arc::clone(&self.writing) })
    }

    /// The requests that are not yet in a file, in the order of their receipt, up to a sequence: as
    /// many as take so many bytes of memory together, or the first alone if it takes more. A
    /// request is there whole or not at all.
    pub(crate) async fn inbox(&self, until: i64, bytes_max: u64) -> Result<Vec<InboxRows>> {
        let rows = sqlx::query(
            // The rows themselves, which come last in the table, are read only of what is chosen.
            "with requests as (
               select request_last_sequence, sum(memory_bytes) as bytes from inbox
               where last_sequence <= ?1 group by request_last_sequence
             ),
             steps as (
               select request_last_sequence, bytes, sum(bytes) over (order by request_last_sequence) as bytes_to_here
               from requests
             )
             select first_sequence, last_sequence, request_last_sequence, object, memory_bytes, rows from inbox
             where last_sequence <= ?1 and request_last_sequence in (
               select request_last_sequence from steps where bytes_to_here <= ?2 or bytes_to_here = bytes)
             order by first_sequence",
        )
        .bind(until)
        .bind(i64::try_from(bytes_max).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let object: String = row.try_get("object")?;
                Ok(InboxRows {
                    object: object.parse().map_err(Error::Internal)?,
                    first_sequence: row.try_get("first_sequence")?,
                    last_sequence: row.try_get("last_sequence")?,
                    request_last_sequence: row.try_get("request_last_sequence")?,
                    rows: row.try_get("rows")?,
                    memory_bytes: row.try_get::<i64, _>("memory_bytes")? as u64,
                })
            })
            .collect()
    }

    /// The greatest sequence in the inbox; none when it is empty.
    pub(crate) async fn inbox_end(&self) -> Result<Option<i64>> {
        let row = sqlx::query("select max(last_sequence) as last from inbox")
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get("last")?)
    }
}

pub(super) async fn empty_until(connection: &mut SqliteConnection, sequence: i64) -> Result<()> {
    sqlx::query("delete from inbox where last_sequence <= ?1")
        .bind(sequence)
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions;

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
    async fn the_inbox_is_read_in_steps_of_whole_requests() -> Result<()> {
        let dir = tempfile::tempdir().map_err(Error::file("create", "a temporary directory"))?;
        let catalog = Catalog::open(&dir.path().join("catalog.db")).await?;
        let mut acknowledging = catalog.acknowledging().await?;
        // Two requests, of which the first has rows of two types, and one that takes more memory
        // than it has bytes here.
        for rows in [rows(1, 4, 10), rows(3, 4, 10), rows(5, 6, 10), rows(7, 8, 1000)] {
            let acknowledged = Acknowledged { rows: vec![rows], ..Acknowledged::default() };
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

    #[tokio::test]
    async fn whether_a_snapshot_is_there_is_known_once_whoever_writes_has_ended() -> Result<()> {
        let dir = tempfile::tempdir().map_err(Error::file("create", "a temporary directory"))?;
        let catalog = Catalog::open(&dir.path().join("catalog.db")).await?;
        let mut other = catalog.options.connect().await?;
        sqlx::raw_sql(
            "begin immediate;
             insert into snapshot (id, committed_at, as_of, settings, first_sequence, last_sequence, last_refresh, cause)
             values (1, 0, '2024-01-01', '{}', 1, 0, 0, 'push')",
        )
        .execute(&mut other)
        .await?;
        let asked = tokio::spawn(async move { catalog.has_snapshot(1).await });
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        assert!(!asked.is_finished());
        sqlx::raw_sql("commit").execute(&mut other).await?;
        assert!(asked.await.map_err(|error| Error::Internal(error.to_string()))??);
        Ok(())
    }

    #[tokio::test]
    async fn what_could_not_be_written_whole_is_not_written_at_all() -> Result<()> {
        let dir = tempfile::tempdir().map_err(Error::file("create", "a temporary directory"))?;
        let catalog = Catalog::open(&dir.path().join("catalog.db")).await?;
        let mut acknowledging = catalog.acknowledging().await?;
        let request = rows(1, 2, 10);
        let twice = Acknowledged {
            rows: vec![request.clone(), request.clone()],
            ..Acknowledged::default()
        };
        assert!(acknowledging.acknowledge(&twice, DateTime::UNIX_EPOCH).await.is_err());
        assert_eq!(catalog.inbox_end().await?, None);
        let once = Acknowledged { rows: vec![request], ..Acknowledged::default() };
        acknowledging.acknowledge(&once, DateTime::UNIX_EPOCH).await?;
        assert_eq!(catalog.inbox_end().await?, Some(2));
        Ok(())
    }
}
