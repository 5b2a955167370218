//! Jobs in the catalog.

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Catalog, instant};
use crate::error::{Error, Result};
use crate::model::Job;

impl Catalog {
    /// Writes a job as it is now, and forgets those of its data source and kind that are older than
    /// `oldest` and not among the newest `kept`.
    pub(crate) async fn save_job(&self, job: &Job, oldest: DateTime<Utc>, kept: u32) -> Result<()> {
        let mut transaction = self.pool.begin_with("begin immediate").await?;
        sqlx::query(
            "insert into job (id, kind, data_source, state, detail, created_at, updated_at)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             on conflict (id) do update set state = excluded.state, detail = excluded.detail, updated_at = excluded.updated_at",
        )
        .bind(&job.id)
        .bind(&job.kind)
        .bind(&job.data_source)
        .bind(job.state.as_str())
        .bind(job.detail.to_string())
        .bind(job.created_at.timestamp_micros())
        .bind(job.updated_at.timestamp_micros())
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "delete from job where data_source = ?1 and kind = ?2 and created_at < ?3
               and state not in ('waiting', 'running')
               and rowid not in (
                 select rowid from job where data_source = ?1 and kind = ?2 order by created_at desc, rowid desc limit ?4)",
        )
        .bind(&job.data_source)
        .bind(&job.kind)
        .bind(oldest.timestamp_micros())
        .bind(kept)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(crate) async fn job(&self, id: &str) -> Result<Option<Job>> {
        let row = sqlx::query("select * from job where id = ?1")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(job_of).transpose()
    }

    /// Jobs, newest first.
    pub(crate) async fn jobs(
        &self,
        data_source: Option<&str>,
        kind: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Job>> {
        let rows = sqlx::query(
            "select * from job where data_source = coalesce(?1, data_source) and kind = coalesce(?2, kind)
             order by created_at desc, rowid desc limit ?3",
        )
        .bind(data_source)
        .bind(kind)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(job_of).collect()
    }

    /// Marks the jobs that were at work as interrupted, and returns how many.
    pub(crate) async fn interrupt_jobs(&self, at: DateTime<Utc>) -> Result<u64> {
        let sql = "update job set state = 'interrupted', updated_at = ?1 where state in ('waiting', 'running')";
        Ok(sqlx::query(sql).bind(at.timestamp_micros()).execute(&self.pool).await?.rows_affected())
    }
}

fn job_of(row: &SqliteRow) -> Result<Job> {
    let (id, state, detail): (String, String, String) =
        (row.try_get("id")?, row.try_get("state")?, row.try_get("detail")?);
    let unreadable = |what: &str| {
        Error::Damaged(format!(
            "the job \"{id}\" has no readable {what}; restore the catalog from a backup"
        ))
    };
    Ok(Job {
        kind: row.try_get("kind")?,
        data_source: row.try_get("data_source")?,
        state: state.parse().map_err(|_| unreadable("state"))?,
        detail: serde_json::from_str(&detail).map_err(|_| unreadable("detail"))?,
        created_at: instant(row.try_get("created_at")?),
        updated_at: instant(row.try_get("updated_at")?),
        id,
    })
}
