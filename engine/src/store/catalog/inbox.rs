//! The inbox: acknowledged pushes that are not yet in a file.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{ConnectOptions, Connection, QueryBuilder, Row, Sqlite, SqliteConnection};
use tokio::sync::Mutex;

use super::sources::add_data_sources;
use super::{Catalog, RememberedAnswer, answers};
use crate::error::{Error, Result};
use crate::model::ObjectType;

/// Rows of one type in one request; a request goes into a snapshot whole.
#[derive(Debug, Clone)]
pub(crate) struct InboxRows {
    pub(crate) object: ObjectType,
    pub(crate) first_sequence: i64,
    pub(crate) last_sequence: i64,
    /// The rows as an Arrow IPC stream.
    pub(crate) rows: Vec<u8>,
}

/// What one transaction acknowledges: requests side by side, the data sources they name, and the answers to be remembered.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    pub(crate) rows: Vec<InboxRows>,
    pub(crate) data_sources: BTreeSet<String>,
    pub(crate) answers: Vec<RememberedAnswer>,
}

/// The acknowledger's own way into the catalog: it waits for no reader, and for no other writer of this process longer than that one
/// takes.
pub(crate) struct Acknowledging {
    connection: SqliteConnection,
    writing: Arc<Mutex<()>>,
}

impl Acknowledging {
    /// Makes requests durable.
    pub(crate) async fn acknowledge(&mut self, acknowledged: &Acknowledged, at: DateTime<Utc>) -> Result<()> {
        let _writing = self.writing.lock().await;
        // One text, since each on its own way to the connection's thread and back would take longer than most take there.
        let mut all = QueryBuilder::<Sqlite>::new("begin immediate; ");
        if !acknowledged.rows.is_empty() {
            all.push("insert into inbox (first_sequence, last_sequence, object, rows) ");
            all.push_values(&acknowledged.rows, |mut row, rows| {
                row.push_bind(rows.first_sequence).push_bind(rows.last_sequence);
                row.push_bind(rows.object.name()).push_bind(&rows.rows);
            });
            all.push("; ");
        }
        add_data_sources(&mut all, &acknowledged.data_sources, at);
        answers::insert(&mut all, &acknowledged.answers, at);
        all.push("commit");
        let done = all.build().execute(&mut self.connection).await;
        if done.is_err() {
            // Where SQLite has given it up itself, there is nothing to roll back, which is no failure.
            let _ = sqlx::query("rollback").execute(&mut self.connection).await;
        }
        done?;
        Ok(())
    }

    pub(crate) async fn close(self) {
        // What was acknowledged is durable, however the connection ends.
        let _ = self.connection.close().await;
    }
}

impl Catalog {
    /// Opens the way for acknowledgements.
    pub(crate) async fn acknowledging(&self) -> Result<Acknowledging> {
        Ok(Acknowledging { connection: self.options.connect().await?, writing: Arc::clone(&self.writing) })
    }

    /// The requests that are not yet in a file, in the order of their receipt, up to a sequence: as many as have so many bytes together, or
    /// the first alone if it has more.
    pub(crate) async fn inbox(&self, until: i64, bytes_max: u64) -> Result<Vec<InboxRows>> {
        let rows = sqlx::query(
            "with sizes as (
               select first_sequence, length(rows) as bytes, sum(length(rows)) over (order by first_sequence) as bytes_to_here
               from inbox where last_sequence <= ?1
             )
             select first_sequence, last_sequence, object, rows from inbox
             where first_sequence in (select first_sequence from sizes where bytes_to_here <= ?2 or bytes_to_here = bytes)
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
                    rows: row.try_get("rows")?,
                })
            })
            .collect()
    }

    /// The greatest sequence in the inbox; none when it is empty.
    pub(crate) async fn inbox_end(&self) -> Result<Option<i64>> {
        let row = sqlx::query("select max(last_sequence) as last from inbox").fetch_one(&self.pool).await?;
        Ok(row.try_get("last")?)
    }
}

pub(super) async fn empty_until(connection: &mut SqliteConnection, sequence: i64) -> Result<()> {
    sqlx::query("delete from inbox where last_sequence <= ?1").bind(sequence).execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_inbox_is_read_in_steps() -> Result<()> {
        let dir = tempfile::tempdir().map_err(Error::file("create", "a temporary directory"))?;
        let catalog = Catalog::open(&dir.path().join("catalog.db")).await?;
        let mut acknowledging = catalog.acknowledging().await?;
        let request = |first_sequence| InboxRows {
            object: ObjectType::Plans,
            first_sequence,
            last_sequence: first_sequence + 1,
            rows: vec![7; 10],
        };
        for first in [1, 3, 5] {
            let acknowledged = Acknowledged { rows: vec![request(first)], ..Acknowledged::default() };
            acknowledging.acknowledge(&acknowledged, DateTime::UNIX_EPOCH).await?;
        }
        for (until, bytes_max, expected) in
            [(6, 30, vec![1, 3, 5]), (6, 29, vec![1, 3]), (4, 99, vec![1, 3]), (6, 5, vec![1]), (1, 99, vec![])]
        {
            let read = catalog.inbox(until, bytes_max).await?;
            assert_eq!(read.iter().map(|rows| rows.first_sequence).collect::<Vec<_>>(), expected);
        }
        acknowledging.close().await;
        catalog.close().await;
        Ok(())
    }

    #[tokio::test]
    async fn what_could_not_be_written_whole_is_not_written_at_all() -> Result<()> {
        let dir = tempfile::tempdir().map_err(Error::file("create", "a temporary directory"))?;
        let catalog = Catalog::open(&dir.path().join("catalog.db")).await?;
        let mut acknowledging = catalog.acknowledging().await?;
        let request = InboxRows { object: ObjectType::Plans, first_sequence: 1, last_sequence: 1, rows: vec![7] };
        let twice = Acknowledged { rows: vec![request.clone(), request.clone()], ..Acknowledged::default() };
        assert!(acknowledging.acknowledge(&twice, DateTime::UNIX_EPOCH).await.is_err());
        assert_eq!(catalog.inbox_end().await?, None);
        let once = Acknowledged { rows: vec![request], ..Acknowledged::default() };
        acknowledging.acknowledge(&once, DateTime::UNIX_EPOCH).await?;
        assert_eq!(catalog.inbox_end().await?, Some(1));
        Ok(())
    }
}
