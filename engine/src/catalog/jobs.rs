//! Jobs in the catalog.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, params};

use super::{Catalog, instant};
use crate::catalog::connection::{all, execute, first};
use crate::error::{Error, Result};
use crate::model::Job;

impl Catalog {
    /// Writes a job as it is now. Deletes the jobs of its data source and kind that are over, older
    /// than `oldest` and not among the newest `retained`.
    pub(crate) async fn save_job(
        &self,
        job: &Job,
        oldest: DateTime<Utc>,
        retained: u32,
    ) -> Result<()> {
        let job = job.clone();
        self.connections
            .write(move |connection| {
                upsert(connection, &job)?;
                let sql = "delete from job where data_source = ?1 and kind = ?2 and created_at < ?3
                  and state not in ('waiting', 'running')
                  and rowid not in (
                    select rowid from job where data_source = ?1 and kind = ?2
                    order by created_at desc, rowid desc limit ?4)";
                let oldest = oldest.timestamp_micros();
                execute(connection, sql, (job.data_source, job.kind, oldest, retained))?;
                Ok(())
            })
            .await
    }

    pub(crate) async fn job(&self, id: &str) -> Result<Option<Job>> {
        let (sql, id) = ("select * from job where id = ?1", id.to_string());
        self.connections.read(move |connection| first(connection, sql, [id], job_of)).await
    }

    /// Jobs, newest first.
    pub(crate) async fn jobs(
        &self,
        data_source: Option<&str>,
        kind: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Job>> {
        let sql = "select * from job
          where data_source = coalesce(?1, data_source) and kind = coalesce(?2, kind)
          order by created_at desc, rowid desc limit ?3";
        let [data_source, kind] = [data_source, kind].map(|text| text.map(str::to_string));
        self.connections
            .read(move |connection| all(connection, sql, (data_source, kind, limit), job_of))
            .await
    }

    /// Marks the jobs that are not over as interrupted, and returns how many.
    pub(crate) async fn interrupt_jobs(&self, at: DateTime<Utc>) -> Result<u64> {
        let sql = "update job set state = 'interrupted', updated_at = ?1
                   where state in ('waiting', 'running')";
        let at = at.timestamp_micros();
        self.connections.write(move |connection| Ok(execute(connection, sql, [at])? as u64)).await
    }
}

fn upsert(connection: &Connection, job: &Job) -> Result<()> {
    let sql = "insert into job (id, kind, data_source, state, detail, created_at, updated_at)
      values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
      on conflict (id) do update
      set state = excluded.state, detail = excluded.detail, updated_at = excluded.updated_at";
    let values = params![
        job.id,
        job.kind,
        job.data_source,
        job.state.as_str(),
        job.detail.to_string(),
        job.created_at.timestamp_micros(),
        job.updated_at.timestamp_micros()
    ];
    execute(connection, sql, values)?;
    Ok(())
}

fn job_of(row: &Row<'_>) -> Result<Job> {
    let (id, state, detail): (String, String, String) =
        (row.get("id")?, row.get("state")?, row.get("detail")?);
    let unreadable = |what: &str| {
        Error::Damaged(format!(
            "the job \"{id}\" has no readable {what}; restore the catalog from a backup"
        ))
    };
    Ok(Job {
        kind: row.get("kind")?,
        data_source: row.get("data_source")?,
        state: state.parse().map_err(|_| unreadable("state"))?,
        detail: serde_json::from_str(&detail).map_err(|_| unreadable("detail"))?,
        created_at: instant(row, "created_at")?,
        updated_at: instant(row, "updated_at")?,
        id,
    })
}
