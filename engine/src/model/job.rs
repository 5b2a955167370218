//! Jobs: long work for a data source, and its progress.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

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
