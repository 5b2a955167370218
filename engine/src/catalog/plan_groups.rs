//! Plan groups in the catalog. Every version of a group is retained; the newest one is current.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row};

use super::{Catalog, instant};
use crate::catalog::connection::{all, first};
use crate::error::{Error, Result};
use crate::model::{GroupDefinition, PlanGroup};

impl Catalog {
    /// The groups that are not deleted, by their ids.
    pub(crate) async fn plan_groups(&self) -> Result<Vec<PlanGroup>> {
        let sql = "select * from plan_group newest
          where deleted = 0
            and changed_at = (select max(changed_at) from plan_group where id = newest.id)
          order by id";
        self.connections.read(|connection| all(connection, sql, [], group_of)).await
    }

    /// The group with this id, unless it is deleted.
    pub(crate) async fn plan_group(&self, id: &str) -> Result<Option<PlanGroup>> {
        let id = id.to_string();
        self.connections.read(move |connection| current(connection, &id)).await
    }

    /// Adds a version of a group, and returns the instant that it is current from.
    pub(crate) async fn put_plan_group(
        &self,
        id: &str,
        definition: String,
        at: DateTime<Utc>,
    ) -> Result<DateTime<Utc>> {
        let id = id.to_string();
        self.connections
            .write(move |connection| add_version(connection, &id, false, &definition, at))
            .await
    }

    /// Adds a version of a group that marks it as deleted; returns whether it was there.
    pub(crate) async fn delete_plan_group(&self, id: &str, at: DateTime<Utc>) -> Result<bool> {
        let id = id.to_string();
        self.connections
            .write(move |connection| {
                let Some(group) = current(connection, &id)? else { return Ok(false) };
                add_version(connection, &id, true, &group.definition.to_text()?, at)?;
                Ok(true)
            })
            .await
    }
}

/// Versions of a group follow one another, whatever the clock does.
fn add_version(
    connection: &Connection,
    id: &str,
    deleted: bool,
    definition: &str,
    at: DateTime<Utc>,
) -> Result<DateTime<Utc>> {
    let sql = "insert into plan_group (id, changed_at, deleted, definition)
      values (?1, max(?2, (select coalesce(max(changed_at), 0) + 1 from plan_group where id = ?1)), ?3, ?4)
      returning *";
    let values = (id, at.timestamp_micros(), deleted, definition);
    let changed_at = first(connection, sql, values, |row| instant(row, "changed_at"))?;
    changed_at.ok_or_else(|| Error::Internal(format!("the plan group \"{id}\" was not added")))
}

fn current(connection: &Connection, id: &str) -> Result<Option<PlanGroup>> {
    let sql = "select * from plan_group where id = ?1 order by changed_at desc limit 1";
    let newest = first(connection, sql, [id], |row| match row.get("deleted")? {
        true => Ok(None),
        false => group_of(row).map(Some),
    })?;
    Ok(newest.flatten())
}

fn group_of(row: &Row<'_>) -> Result<PlanGroup> {
    let (id, definition): (String, String) = (row.get("id")?, row.get("definition")?);
    let unreadable = || {
        Error::Damaged(format!("the plan group \"{id}\" has no readable definition; put it again"))
    };
    let definition: GroupDefinition =
        serde_json::from_str(&definition).map_err(|_| unreadable())?;
    PlanGroup::of(id.clone(), definition, instant(row, "changed_at")?).map_err(|_| unreadable())
}
