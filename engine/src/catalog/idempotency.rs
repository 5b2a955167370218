//! The answers to requests that named a key, kept for a while so that a repetition is not carried
//! out again.

use chrono::{DateTime, Utc};
use rusqlite::{Transaction, params};
use sqlx::{QueryBuilder, Row, Sqlite};

use super::Catalog;
use crate::error::{Error, Result};

/// The answer to a request that named a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RememberedAnswer {
    pub(crate) scope: String,
    pub(crate) key: String,
    pub(crate) fingerprint: [u8; 32],
    /// As JSON.
    pub(crate) answer: String,
}

impl Catalog {
    /// The answers under these scopes and keys that were given after an instant.
    pub(crate) async fn answers(
        &self,
        keys: &[(String, String)],
        after: DateTime<Utc>,
    ) -> Result<Vec<RememberedAnswer>> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "select scope, key, fingerprint, answer from idempotency_key where created_at > ",
        );
        query.push_bind(after.timestamp_micros()).push(" and (scope, key) in ");
        query.push_tuples(keys, |mut tuple, (scope, key)| {
            tuple.push_bind(scope).push_bind(key);
        });
        let rows = query.build().fetch_all(&self.pool).await?;
        rows.into_iter()
            .map(|row| {
                let fingerprint: Vec<u8> = row.try_get("fingerprint")?;
                let fingerprint = <[u8; 32]>::try_from(fingerprint.as_slice()).map_err(|_| {
                    Error::Damaged("a fingerprint in the catalog has not 32 bytes".to_string())
                })?;
                let (scope, key) = (row.try_get("scope")?, row.try_get("key")?);
                Ok(RememberedAnswer { scope, key, fingerprint, answer: row.try_get("answer")? })
            })
            .collect()
    }

    /// Forgets the answers that were given until an instant.
    pub(crate) async fn forget_answers(&self, until: DateTime<Utc>) -> Result<()> {
        sqlx::query("delete from idempotency_key where created_at <= ?1")
            .bind(until.timestamp_micros())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

const REMEMBER: &str =
    "insert or replace into idempotency_key (scope, key, fingerprint, answer, created_at)
    values (?1, ?2, ?3, ?4, ?5)";

/// Remembers an answer; what is still there under its key is too old to count.
pub(super) fn remember(
    transaction: &Transaction<'_>,
    answer: &RememberedAnswer,
    at: DateTime<Utc>,
) -> Result<()> {
    let RememberedAnswer { scope, key, fingerprint, answer } = answer;
    transaction.prepare_cached(REMEMBER)?.execute(params![
        scope,
        key,
        fingerprint,
        answer,
        at.timestamp_micros()
    ])?;
    Ok(())
}
