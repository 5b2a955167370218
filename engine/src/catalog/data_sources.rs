//! Data sources and their pulls in the catalog.

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::{Catalog, instant};
use crate::error::{Error, Result};
use crate::model::{DataSource, Pull};

const PULL_COLUMNS: &str = "select data_source, settings, sealed_credentials, updated_at from pull";

impl Catalog {
    /// The id that records sent under this id or name are stored with. A source that is there goes
    /// before a deleted one, which is known by its id alone.
    pub(crate) async fn data_source_id(&self, id_or_name: &str) -> Result<Option<String>> {
        match self.data_source(id_or_name).await? {
            Some(source) => Ok(Some(source.id)),
            None if self.had_data_source(id_or_name).await? => Ok(Some(id_or_name.to_string())),
            None => Ok(None),
        }
    }

    /// The data sources that are not deleted, oldest first.
    pub(crate) async fn data_sources(&self) -> Result<Vec<DataSource>> {
        let sql = "select * from data_source where deleted_at is null order by created_at, rowid";
        let rows = sqlx::query(sql).fetch_all(&self.pool).await?;
        rows.iter().map(source_of).collect()
    }

    /// The data source with this id or, if there is none, the only one with this name, unless it is
    /// deleted.
    pub(crate) async fn data_source(&self, id_or_name: &str) -> Result<Option<DataSource>> {
        let mut connection = self.pool.acquire().await?;
        find(&mut connection, id_or_name).await
    }

    /// The ids of all data sources there ever were: the records of a deleted one may still be
    /// there.
    pub(crate) async fn data_source_ids(&self) -> Result<Vec<String>> {
        let rows =
            sqlx::query("select id from data_source order by id").fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
    }

    /// Whether there is or was a data source with this id.
    pub(crate) async fn had_data_source(&self, id: &str) -> Result<bool> {
        let row = sqlx::query("select 1 from data_source where id = ?1")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.is_some())
    }

    /// Adds a data source, or one that was deleted anew; its name may be that of another, but no id
    /// another's name, and no name another's id.
    pub(crate) async fn insert_data_source(&self, source: &DataSource) -> Result<()> {
        let mut transaction = self.pool.begin_with("begin immediate").await?;
        for taken in [&source.id, &source.name] {
            if with_id(&mut transaction, taken).await?.is_some() {
                return Err(is_taken("id", taken));
            }
        }
        // What is sent under that name must not go elsewhere from now on.
        if !with_name(&mut transaction, &source.id).await?.is_empty() {
            return Err(is_taken("name", &source.id));
        }
        sqlx::query(
            "insert into data_source (id, name, kind, created_at, updated_at) values (?1, ?2, ?3, ?4, ?4)
             on conflict (id) do update set name = excluded.name, kind = excluded.kind,
               created_at = excluded.created_at, updated_at = excluded.updated_at, deleted_at = null",
        )
        .bind(&source.id)
        .bind(&source.name)
        .bind(&source.kind)
        .bind(source.created_at.timestamp_micros())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Changes a data source, unless it is deleted.
    pub(crate) async fn update_data_source(
        &self,
        id: &str,
        name: Option<&str>,
        kind: Option<&str>,
        at: DateTime<Utc>,
    ) -> Result<Option<DataSource>> {
        let mut transaction = self.pool.begin_with("begin immediate").await?;
        if let Some(name) = name
            && with_id(&mut transaction, name).await?.is_some_and(|other| other.id != id)
        {
            return Err(is_taken("id", name));
        }
        let row = sqlx::query(
            "update data_source set name = coalesce(?2, name), kind = coalesce(?3, kind), updated_at = ?4
             where id = ?1 and deleted_at is null returning *",
        )
        .bind(id)
        .bind(name)
        .bind(kind)
        .bind(at.timestamp_micros())
        .fetch_optional(&mut *transaction)
        .await?;
        transaction.commit().await?;
        row.as_ref().map(source_of).transpose()
    }

    /// Marks a data source as deleted and forgets its pull; whether it was there.
    pub(crate) async fn delete_data_source(&self, id: &str, at: DateTime<Utc>) -> Result<bool> {
        let mut transaction = self.pool.begin_with("begin immediate").await?;
        let sql = "update data_source set deleted_at = ?2, updated_at = ?2 where id = ?1 and deleted_at is null";
        let deleted = sqlx::query(sql)
            .bind(id)
            .bind(at.timestamp_micros())
            .execute(&mut *transaction)
            .await?;
        sqlx::query("delete from pull where data_source = ?1")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// Sets the pull of a data source; false when there is no such source.
    pub(crate) async fn set_pull(&self, pull: &Pull) -> Result<bool> {
        let set = sqlx::query(
            "insert into pull (data_source, settings, sealed_credentials, updated_at)
             select id, ?2, ?3, ?4 from data_source where id = ?1 and deleted_at is null
             on conflict (data_source) do update set settings = excluded.settings,
               sealed_credentials = excluded.sealed_credentials, updated_at = excluded.updated_at",
        )
        .bind(&pull.data_source)
        .bind(pull.settings.to_string())
        .bind(&pull.sealed_credentials)
        .bind(pull.updated_at.timestamp_micros())
        .execute(&self.pool)
        .await?;
        Ok(set.rows_affected() > 0)
    }

    pub(crate) async fn pull(&self, data_source: &str) -> Result<Option<Pull>> {
        let sql = format!("{PULL_COLUMNS} where data_source = ?1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(data_source)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(pull_of).transpose()
    }

    pub(crate) async fn pulls(&self) -> Result<Vec<Pull>> {
        let sql = format!("{PULL_COLUMNS} order by data_source");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&self.pool).await?;
        rows.iter().map(pull_of).collect()
    }

    /// Forgets a pull; whether there was one.
    pub(crate) async fn delete_pull(&self, data_source: &str) -> Result<bool> {
        let deleted = sqlx::query("delete from pull where data_source = ?1")
            .bind(data_source)
            .execute(&self.pool)
            .await?;
        Ok(deleted.rows_affected() > 0)
    }
}

/// Adds the data source (its id, the microseconds) that records were sent for. A deleted one is
/// there again, under its id if its name is another's by now.
pub(super) const ADD_DATA_SOURCE: &str =
    "insert into data_source (id, name, created_at, updated_at) values (?1, ?1, ?2, ?2)
    on conflict (id) do update set deleted_at = null, updated_at = excluded.updated_at,
      name = case when exists (
        select 1 from data_source other
        where other.deleted_at is null and data_source.name in (other.id, other.name)
      ) then data_source.id else data_source.name end
    where deleted_at is not null";

async fn find(connection: &mut SqliteConnection, id_or_name: &str) -> Result<Option<DataSource>> {
    if let Some(source) = with_id(connection, id_or_name).await? {
        return Ok(Some(source));
    }
    match with_name(connection, id_or_name).await?.as_slice() {
        [] => Ok(None),
        [only] => source_of(only).map(Some),
        _ => Err(Error::Argument(format!(
            "several data sources are called \"{id_or_name}\"; name one by its id"
        ))),
    }
}

async fn with_name(connection: &mut SqliteConnection, name: &str) -> Result<Vec<SqliteRow>> {
    let sql = "select * from data_source where name = ?1 and deleted_at is null limit 2";
    Ok(sqlx::query(sql).bind(name).fetch_all(connection).await?)
}

async fn with_id(connection: &mut SqliteConnection, id: &str) -> Result<Option<DataSource>> {
    let sql = "select * from data_source where id = ?1 and deleted_at is null";
    let row = sqlx::query(sql).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(source_of).transpose()
}

fn is_taken(what: &str, text: &str) -> Error {
    Error::Conflict(format!(
        "\"{text}\" is the {what} of a data source already; use that one, or another {what}"
    ))
}

fn source_of(row: &SqliteRow) -> Result<DataSource> {
    Ok(DataSource {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        kind: row.try_get("kind")?,
        created_at: instant(row.try_get("created_at")?),
        updated_at: instant(row.try_get("updated_at")?),
    })
}

fn pull_of(row: &SqliteRow) -> Result<Pull> {
    let (data_source, settings): (String, String) =
        (row.try_get("data_source")?, row.try_get("settings")?);
    let settings = serde_json::from_str(&settings).map_err(|_| {
        Error::Damaged(format!(
            "the pull of data source \"{data_source}\" has no readable settings; set it again"
        ))
    })?;
    Ok(Pull {
        data_source,
        settings,
        sealed_credentials: row.try_get("sealed_credentials")?,
        updated_at: instant(row.try_get("updated_at")?),
    })
}
