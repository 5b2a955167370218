//! Idempotency: the answers to requests with an idempotency key. A repeated request gets the answer
//! and is not executed again.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, params};

use super::Catalog;
use crate::catalog::connection::{execute, first};
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
        keys: Vec<(String, String)>,
        after: DateTime<Utc>,
    ) -> Result<Vec<RememberedAnswer>> {
        let sql = "select scope, key, fingerprint, answer from idempotency_key
                   where scope = ?1 and key = ?2 and created_at > ?3";
        let after = after.timestamp_micros();
        self.connections
            .read(move |connection| {
                let answers = keys.iter().map(|(scope, key)| {
                    first(connection, sql, (scope, key, after), remembered_answer)
                });
                answers.filter_map(Result::transpose).collect()
            })
            .await
    }

    /// Forgets the answers that were given until an instant.
    pub(crate) async fn forget_answers(&self, until: DateTime<Utc>) -> Result<()> {
        let sql = "delete from idempotency_key where created_at <= ?1";
        let until = until.timestamp_micros();
        self.connections
            .write(move |connection| execute(connection, sql, [until]).map(|_| ()))
            .await
    }
}

/// Remembers an answer; an older one under its key is too old to count.
pub(super) fn remember(
    connection: &Connection,
    answer: &RememberedAnswer,
    at: DateTime<Utc>,
) -> Result<()> {
    let sql = "insert or replace into idempotency_key (scope, key, fingerprint, answer, created_at)
               values (?1, ?2, ?3, ?4, ?5)";
    let RememberedAnswer { scope, key, fingerprint, answer } = answer;
    let values = params![scope, key, fingerprint, answer, at.timestamp_micros()];
    execute(connection, sql, values)?;
    Ok(())
}

fn remembered_answer(row: &Row<'_>) -> Result<RememberedAnswer> {
    let fingerprint: Vec<u8> = row.get("fingerprint")?;
    let fingerprint = <[u8; 32]>::try_from(fingerprint.as_slice())
        .map_err(|_| Error::Damaged("a fingerprint in the catalog has not 32 bytes".to_string()))?;
    let (scope, key) = (row.get("scope")?, row.get("key")?);
    Ok(RememberedAnswer { scope, key, fingerprint, answer: row.get("answer")? })
}
