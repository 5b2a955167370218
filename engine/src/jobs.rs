//! Jobs: long work for a data source, as far as it has come.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::engine::Engine;
use crate::error::Result;

/// How long a job that is over is remembered in any case.
const REMEMBERED: TimeDelta = TimeDelta::days(90);

/// So many jobs of a data source and kind are remembered for longer.
const NEWEST_REMEMBERED: u32 = 100;

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It has not begun.
    Waiting,
    /// It is at work.
    Running,
    /// It has done everything.
    Done,
    /// It could not go on.
    Failed,
    /// It was told to stop.
    Canceled,
    /// The process that did it has ended before it.
    Interrupted,
}

impl JobState {
    /// All states.
    pub const ALL: [JobState; 6] = [
        JobState::Waiting,
        JobState::Running,
        JobState::Done,
        JobState::Failed,
        JobState::Canceled,
        JobState::Interrupted,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            JobState::Waiting => "waiting",
            JobState::Running => "running",
            JobState::Done => "done",
            JobState::Failed => "failed",
            JobState::Canceled => "canceled",
            JobState::Interrupted => "interrupted",
        }
    }

    /// Whether nothing more will come of it.
    pub fn is_over(self) -> bool {
        !matches!(self, JobState::Waiting | JobState::Running)
    }
}

impl FromStr for JobState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let state = JobState::ALL.into_iter().find(|state| state.as_str() == text);
        state.ok_or_else(|| format!("\"{text}\" is not the state of a job"))
    }
}

/// Long work for a data source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// import or pull.
    pub kind: String,
    /// The id of its data source.
    pub data_source: String,
    /// How far it has come.
    pub state: JobState,
    /// What there is to tell of it; nothing here looks into it.
    pub detail: Value,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was last heard of.
    pub updated_at: DateTime<Utc>,
}

impl Engine {
    /// Writes a job as it is now; of one that is there, state and detail change. Jobs that were
    /// over long ago are forgotten with it.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub async fn save_job(&self, job: &Job) -> Result<()> {
        self.core.catalog.save_job(job, self.core.now() - REMEMBERED, NEWEST_REMEMBERED).await
    }

    /// The job with this id.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn job(&self, id: &str) -> Result<Option<Job>> {
        self.core.catalog.job(id).await
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
        self.core.catalog.jobs(data_source, kind, limit).await
    }

    /// Marks all jobs that are not over as interrupted, and returns how many these were: for who
    /// has just taken the place of the process that was at work on them.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub async fn interrupt_jobs(&self) -> Result<u64> {
        self.core.catalog.interrupt_jobs(self.core.now()).await
    }
}
