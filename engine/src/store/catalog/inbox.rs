//! The inbox: acknowledged pushes that are not yet in a file.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

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

impl Catalog {
    /// Makes requests durable.
    pub(crate) async fn acknowledge(&self, acknowledged: &Acknowledged, at: DateTime<Utc>) -> Result<()> {
        let mut transaction = self.acknowledging.begin_with("begin immediate").await?;
        if !acknowledged.rows.is_empty() {
            let mut insert =
                QueryBuilder::<Sqlite>::new("insert into inbox (first_sequence, last_sequence, object, rows) ");
            insert.push_values(&acknowledged.rows, |mut row, rows| {
                row.push_bind(rows.first_sequence).push_bind(rows.last_sequence);
                row.push_bind(rows.object.name()).push_bind(&rows.rows);
            });
            insert.build().execute(&mut *transaction).await?;
        }
        add_data_sources(&mut transaction, &acknowledged.data_sources, at).await?;
        answers::insert(&mut transaction, &acknowledged.answers, at).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The requests that are not yet in a file, in the order of their receipt, up to a sequence.
    pub(crate) async fn inbox(&self, until: i64) -> Result<Vec<InboxRows>> {
        let rows = sqlx::query(
            "select first_sequence, last_sequence, object, rows from inbox
             where last_sequence <= ?1 order by first_sequence",
        )
        .bind(until)
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
