//! API keys in the catalog: what they are for, and the hash by which each is found.

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Catalog, instant};
use crate::error::{Error, Result};
use crate::model::ApiKey;

const COLUMNS: &str =
    "select id, name, role, data_sources, created_at, expires_at, revoked_at from api_key";

impl Catalog {
    pub(crate) async fn insert_key(&self, key: &ApiKey, hash: &[u8]) -> Result<()> {
        let data_sources = key.data_sources.as_ref().map(serde_json::to_string).transpose();
        let data_sources =
            data_sources.map_err(|error| Error::Internal(format!("write an API key: {error}")))?;
        sqlx::query(
            "insert into api_key (id, name, hash, role, data_sources, created_at, expires_at)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(&key.id)
        .bind(&key.name)
        .bind(hash)
        .bind(key.role.as_str())
        .bind(data_sources)
        .bind(key.created_at.timestamp_micros())
        .bind(key.expires_at.map(|at| at.timestamp_micros()))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// All keys, oldest first.
    pub(crate) async fn keys(&self) -> Result<Vec<ApiKey>> {
        let sql = format!("{COLUMNS} order by created_at, rowid");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&self.pool).await?;
        rows.iter().map(key_of).collect()
    }

    /// The key with this hash.
    pub(crate) async fn key_with(&self, hash: &[u8]) -> Result<Option<ApiKey>> {
        let sql = format!("{COLUMNS} where hash = ?1");
        let row =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(hash).fetch_optional(&self.pool).await?;
        row.as_ref().map(key_of).transpose()
    }

    /// Revokes a key; one that is revoked already stays so since then.
    pub(crate) async fn revoke_key(&self, id: &str, at: DateTime<Utc>) -> Result<Option<ApiKey>> {
        let sql = "update api_key set revoked_at = coalesce(revoked_at, ?2) where id = ?1
                   returning id, name, role, data_sources, created_at, expires_at, revoked_at";
        let row = sqlx::query(sql)
            .bind(id)
            .bind(at.timestamp_micros())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(key_of).transpose()
    }
}

fn key_of(row: &SqliteRow) -> Result<ApiKey> {
    let (id, role): (String, String) = (row.try_get("id")?, row.try_get("role")?);
    let unreadable = |what: &str| {
        Error::Damaged(format!(
            "the API key \"{id}\" has no readable {what}; revoke it and make another"
        ))
    };
    let data_sources: Option<String> = row.try_get("data_sources")?;
    Ok(ApiKey {
        name: row.try_get("name")?,
        role: role.parse().map_err(|_| unreadable("role"))?,
        data_sources: match data_sources {
            Some(text) => {
                Some(serde_json::from_str(&text).map_err(|_| unreadable("data sources"))?)
            }
            None => None,
        },
        created_at: instant(row.try_get("created_at")?),
        expires_at: row.try_get::<Option<i64>, _>("expires_at")?.map(instant),
        revoked_at: row.try_get::<Option<i64>, _>("revoked_at")?.map(instant),
        id,
    })
}
