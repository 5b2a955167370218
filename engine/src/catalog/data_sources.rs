//! Data sources and their pulls in the catalog.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, params};

use super::{Catalog, instant};
use crate::catalog::connection::{all, execute, exists, first};
use crate::error::{Error, Result};
use crate::model::{DataSource, Pull};

impl Catalog {
    /// The id under which records are stored that name this id or name. A current source has
    /// precedence over a deleted one, which has its id alone.
    pub(crate) async fn data_source_id(&self, id_or_name: &str) -> Result<Option<String>> {
        let id_or_name = id_or_name.to_string();
        self.connections
            .read(move |connection| match current(connection, &id_or_name)? {
                Some(source) => Ok(Some(source.id)),
                None => Ok(was_there(connection, &id_or_name)?.then_some(id_or_name)),
            })
            .await
    }

    /// The data sources that are not deleted, oldest first.
    pub(crate) async fn data_sources(&self) -> Result<Vec<DataSource>> {
        let sql = "select * from data_source where deleted_at is null order by created_at, rowid";
        self.connections.read(|connection| all(connection, sql, [], source_of)).await
    }

    /// The data source with this id or, if there is none, the only one with this name, unless it is
    /// deleted.
    pub(crate) async fn data_source(&self, id_or_name: &str) -> Result<Option<DataSource>> {
        let id_or_name = id_or_name.to_string();
        self.connections.read(move |connection| current(connection, &id_or_name)).await
    }

    /// The ids of all data sources, also of deleted ones: these may still have records.
    pub(crate) async fn data_source_ids(&self) -> Result<Vec<String>> {
        let sql = "select id from data_source order by id";
        self.connections.read(|connection| all(connection, sql, [], |row| Ok(row.get(0)?))).await
    }

    /// Whether there is or was a data source with this id.
    pub(crate) async fn had_data_source(&self, id: &str) -> Result<bool> {
        let id = id.to_string();
        self.connections.read(move |connection| was_there(connection, &id)).await
    }

    /// Adds a data source, or a deleted one again. Several may have one name, but an id is not the
    /// name of another, nor a name its id.
    pub(crate) async fn insert_data_source(&self, source: &DataSource) -> Result<()> {
        let sql = "insert into data_source (id, name, kind, created_at, updated_at)
          values (?1, ?2, ?3, ?4, ?4)
          on conflict (id) do update set name = excluded.name, kind = excluded.kind,
            created_at = excluded.created_at, updated_at = excluded.updated_at, deleted_at = null";
        let source = source.clone();
        self.connections
            .write(move |connection| {
                for text in [&source.id, &source.name] {
                    if with_id(connection, text)?.is_some() {
                        return Err(is_taken("id", text));
                    }
                }
                // Records that are sent under that name must not go elsewhere from now on.
                if !with_name(connection, &source.id)?.is_empty() {
                    return Err(is_taken("name", &source.id));
                }
                let at = source.created_at.timestamp_micros();
                execute(connection, sql, (source.id, source.name, source.kind, at))?;
                Ok(())
            })
            .await
    }

    /// Changes a data source, unless it is deleted.
    pub(crate) async fn update_data_source(
        &self,
        id: &str,
        name: Option<&str>,
        kind: Option<&str>,
        at: DateTime<Utc>,
    ) -> Result<Option<DataSource>> {
        let sql = "update data_source
          set name = coalesce(?2, name), kind = coalesce(?3, kind), updated_at = ?4
          where id = ?1 and deleted_at is null returning *";
        let id = id.to_string();
        let [name, kind] = [name, kind].map(|text| text.map(str::to_string));
        self.connections
            .write(move |connection| {
                if let Some(name) = &name
                    && with_id(connection, name)?.is_some_and(|other| other.id != id)
                {
                    return Err(is_taken("id", name));
                }
                first(connection, sql, (id, name, kind, at.timestamp_micros()), source_of)
            })
            .await
    }

    /// Marks a data source as deleted and removes its pull; returns whether it was there.
    pub(crate) async fn delete_data_source(&self, id: &str, at: DateTime<Utc>) -> Result<bool> {
        let sql = "update data_source set deleted_at = ?2, updated_at = ?2
                   where id = ?1 and deleted_at is null";
        let id = id.to_string();
        self.connections
            .write(move |connection| {
                let deleted = execute(connection, sql, (&id, at.timestamp_micros()))?;
                delete_pull(connection, &id)?;
                Ok(deleted > 0)
            })
            .await
    }

    /// Sets the pull of a data source; returns false when there is no such source.
    pub(crate) async fn set_pull(&self, pull: &Pull) -> Result<bool> {
        let sql = "insert into pull (data_source, settings, sealed_credentials, updated_at)
          select id, ?2, ?3, ?4 from data_source where id = ?1 and deleted_at is null
          on conflict (data_source) do update set settings = excluded.settings,
            sealed_credentials = excluded.sealed_credentials, updated_at = excluded.updated_at";
        let pull = pull.clone();
        self.connections
            .write(move |connection| {
                let values = params![
                    pull.data_source,
                    pull.settings.to_string(),
                    pull.sealed_credentials,
                    pull.updated_at.timestamp_micros()
                ];
                Ok(execute(connection, sql, values)? > 0)
            })
            .await
    }

    pub(crate) async fn pull(&self, data_source: &str) -> Result<Option<Pull>> {
        let sql = "select * from pull where data_source = ?1";
        let id = data_source.to_string();
        self.connections.read(move |connection| first(connection, sql, [id], pull_of)).await
    }

    pub(crate) async fn pulls(&self) -> Result<Vec<Pull>> {
        let sql = "select * from pull order by data_source";
        self.connections.read(|connection| all(connection, sql, [], pull_of)).await
    }

    /// Removes a pull; returns whether there was one.
    pub(crate) async fn delete_pull(&self, data_source: &str) -> Result<bool> {
        let id = data_source.to_string();
        self.connections.write(move |connection| delete_pull(connection, &id)).await
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

fn current(connection: &Connection, id_or_name: &str) -> Result<Option<DataSource>> {
    if let Some(source) = with_id(connection, id_or_name)? {
        return Ok(Some(source));
    }
    let mut sources = with_name(connection, id_or_name)?;
    if sources.len() > 1 {
        return Err(Error::Argument(format!(
            "several data sources are called \"{id_or_name}\"; name one by its id"
        )));
    }
    Ok(sources.pop())
}

fn was_there(connection: &Connection, id: &str) -> Result<bool> {
    exists(connection, "select 1 from data_source where id = ?1", [id])
}

/// Two of the data sources with a name, if there are two.
fn with_name(connection: &Connection, name: &str) -> Result<Vec<DataSource>> {
    let sql = "select * from data_source where name = ?1 and deleted_at is null limit 2";
    all(connection, sql, [name], source_of)
}

fn with_id(connection: &Connection, id: &str) -> Result<Option<DataSource>> {
    let sql = "select * from data_source where id = ?1 and deleted_at is null";
    first(connection, sql, [id], source_of)
}

fn is_taken(what: &str, text: &str) -> Error {
    Error::Conflict(format!(
        "\"{text}\" is the {what} of a data source already; use that one, or another {what}"
    ))
}

fn delete_pull(connection: &Connection, data_source: &str) -> Result<bool> {
    Ok(execute(connection, "delete from pull where data_source = ?1", [data_source])? > 0)
}

fn source_of(row: &Row<'_>) -> Result<DataSource> {
    Ok(DataSource {
        id: row.get("id")?,
        name: row.get("name")?,
        kind: row.get("kind")?,
        created_at: instant(row, "created_at")?,
        updated_at: instant(row, "updated_at")?,
    })
}

fn pull_of(row: &Row<'_>) -> Result<Pull> {
    let (data_source, settings): (String, String) = (row.get("data_source")?, row.get("settings")?);
    let settings = serde_json::from_str(&settings).map_err(|_| {
        Error::Damaged(format!(
            "the pull of data source \"{data_source}\" has no readable settings; set it again"
        ))
    })?;
    Ok(Pull {
        data_source,
        settings,
        sealed_credentials: row.get("sealed_credentials")?,
        updated_at: instant(row, "updated_at")?,
    })
}
