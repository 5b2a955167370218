//! API keys in the catalog: the rights of each, and the hash that finds it.

use chrono::{DateTime, Utc};
use rusqlite::{Row, params};

use super::{Catalog, instant, optional_instant};
use crate::catalog::connection::{all, execute, first};
use crate::error::{Error, Result};
use crate::model::ApiKey;

impl Catalog {
    pub(crate) async fn insert_key(&self, key: &ApiKey, hash: &[u8]) -> Result<()> {
        let sql = "insert into api_key
                   (id, name, hash, role, data_sources, created_at, expires_at)
                   values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let data_sources = key.data_sources.as_ref().map(serde_json::to_string).transpose();
        let data_sources =
            data_sources.map_err(|error| Error::Internal(format!("write an API key: {error}")))?;
        let (key, hash) = (key.clone(), hash.to_vec());
        self.connections
            .write(move |connection| {
                let values = params![
                    key.id,
                    key.name,
                    hash,
                    key.role.as_str(),
                    data_sources,
                    key.created_at.timestamp_micros(),
                    key.expires_at.map(|at| at.timestamp_micros())
                ];
                execute(connection, sql, values)?;
                Ok(())
            })
            .await
    }

    /// All keys, oldest first.
    pub(crate) async fn keys(&self) -> Result<Vec<ApiKey>> {
        let sql = "select * from api_key order by created_at, rowid";
        self.connections.read(|connection| all(connection, sql, [], key_of)).await
    }

    /// The key with this hash.
    pub(crate) async fn key_with(&self, hash: &[u8]) -> Result<Option<ApiKey>> {
        let (sql, hash) = ("select * from api_key where hash = ?1", hash.to_vec());
        self.connections.read(move |connection| first(connection, sql, [hash], key_of)).await
    }

    /// Revokes a key; one that is revoked already stays revoked since then.
    pub(crate) async fn revoke_key(&self, id: &str, at: DateTime<Utc>) -> Result<Option<ApiKey>> {
        let sql = "update api_key set revoked_at = coalesce(revoked_at, ?2) where id = ?1
                   returning *";
        let values = (id.to_string(), at.timestamp_micros());
        self.connections.write(move |connection| first(connection, sql, values, key_of)).await
    }
}

fn key_of(row: &Row<'_>) -> Result<ApiKey> {
    let (id, role): (String, String) = (row.get("id")?, row.get("role")?);
    let unreadable = |what: &str| {
        Error::Damaged(format!(
            "the API key \"{id}\" has no readable {what}; revoke it and make another"
        ))
    };
    let data_sources: Option<String> = row.get("data_sources")?;
    let data_sources = data_sources.map(|text| serde_json::from_str(&text)).transpose();
    Ok(ApiKey {
        name: row.get("name")?,
        role: role.parse().map_err(|_| unreadable("role"))?,
        data_sources: data_sources.map_err(|_| unreadable("data sources"))?,
        created_at: instant(row, "created_at")?,
        expires_at: optional_instant(row, "expires_at")?,
        revoked_at: optional_instant(row, "revoked_at")?,
        id,
    })
}
