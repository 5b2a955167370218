//! Jobs: long work for a data source, as far as it has come.

use chrono::TimeDelta;

use crate::engine::Engine;
use crate::error::Result;
use crate::model::Job;

/// How long a job that is over is remembered in any case.
const REMEMBERED: TimeDelta = TimeDelta::days(90);

/// So many jobs of a data source and kind are remembered for longer.
const NEWEST_REMEMBERED: u32 = 100;

impl Engine {
    /// Writes a job as it is now; of one that is there, state and detail change. Jobs that were
    /// over long ago are forgotten with it.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub async fn save_job(&self, job: &Job) -> Result<()> {
        self.store.catalog.save_job(job, self.store.now() - REMEMBERED, NEWEST_REMEMBERED).await
    }

    /// The job with this id.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn job(&self, id: &str) -> Result<Option<Job>> {
        self.store.catalog.job(id).await
    }

    /// The newest jobs, newest first, of one data source and of one kind where these are given.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn jobs(
        &self,
        data_source: Option<&str>,
        kind: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Job>> {
        self.store.catalog.jobs(data_source, kind, limit).await
    }

    /// Marks all jobs that are not over as interrupted, and returns how many these were: for who
    /// has just taken the place of the process that was at work on them.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub async fn interrupt_jobs(&self) -> Result<u64> {
        self.store.catalog.interrupt_jobs(self.store.now()).await
    }
}
