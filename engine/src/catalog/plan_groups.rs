//! Plan groups in the catalog: every version is kept, the newest one counts.

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::{Catalog, instant};
use crate::error::{Error, Result};
use crate::model::{GroupDefinition, PlanGroup};

impl Catalog {
    /// The groups that are there, by their ids.
    pub(crate) async fn plan_groups(&self) -> Result<Vec<PlanGroup>> {
        let rows = sqlx::query(
            "select id, changed_at, definition from plan_group newest
             where deleted = 0 and changed_at = (select max(changed_at) from plan_group where id = newest.id)
             order by id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(group_of).collect()
    }

    /// The group with this id, unless it is deleted.
    pub(crate) async fn plan_group(&self, id: &str) -> Result<Option<PlanGroup>> {
        let mut connection = self.pool.acquire().await?;
        find(&mut connection, id).await
    }

    /// Adds a version of a group.
    pub(crate) async fn put_plan_group(
        &self,
        id: &str,
        text: &str,
        at: DateTime<Utc>,
    ) -> Result<DateTime<Utc>> {
        let mut transaction = self.pool.begin_with("begin immediate").await?;
        let changed_at = add(&mut transaction, id, false, text, at).await?;
        transaction.commit().await?;
        Ok(changed_at)
    }

    /// Adds the version of a group that says that it is deleted; whether it was there.
    pub(crate) async fn delete_plan_group(&self, id: &str, at: DateTime<Utc>) -> Result<bool> {
        let mut transaction = self.pool.begin_with("begin immediate").await?;
        let Some(group) = find(&mut transaction, id).await? else { return Ok(false) };
        add(&mut transaction, id, true, &group.definition.to_text()?, at).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// Versions of a group follow one another, whatever the clock does.
async fn add(
    connection: &mut SqliteConnection,
    id: &str,
    deleted: bool,
    definition: &str,
    at: DateTime<Utc>,
) -> Result<DateTime<Utc>> {
    let row = sqlx::query(
        "insert into plan_group (id, changed_at, deleted, definition)
         values (?1, max(?2, (select coalesce(max(changed_at), 0) + 1 from plan_group where id = ?1)), ?3, ?4)
         returning changed_at",
    )
    .bind(id)
    .bind(at.timestamp_micros())
    .bind(deleted)
    .bind(definition)
    .fetch_one(connection)
    .await?;
    Ok(instant(row.try_get("changed_at")?))
}

async fn find(connection: &mut SqliteConnection, id: &str) -> Result<Option<PlanGroup>> {
    let sql = "select id, changed_at, deleted, definition from plan_group where id = ?1 order by changed_at desc limit 1";
    let row = sqlx::query(sql).bind(id).fetch_optional(connection).await?;
    match row {
        Some(row) if !row.try_get::<bool, _>("deleted")? => group_of(&row).map(Some),
        _ => Ok(None),
    }
}

fn group_of(row: &SqliteRow) -> Result<PlanGroup> {
    let (id, definition): (String, String) = (row.try_get("id")?, row.try_get("definition")?);
    let unreadable = || {
        Error::Damaged(format!("the plan group \"{id}\" has no readable definition; put it again"))
    };
    let definition: GroupDefinition =
        serde_json::from_str(&definition).map_err(|_| unreadable())?;
    let changed_at = instant(row.try_get("changed_at")?);
    PlanGroup::of(id.clone(), definition, changed_at).map_err(|_| unreadable())
}
