//! The options that choose a snapshot: the newest, or the numbers as they were known earlier.

use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use mrrow_engine::{Engine, Past, Snapshot};

use super::instant;

/// The point in time that a command reads.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct PointInTimeArgs {
    /// The day on which the numbers are computed [default: today]
    #[arg(long, value_name = "DATE")]
    pub(crate) as_of: Option<NaiveDate>,
    /// Read this snapshot instead of the newest
    #[arg(long, value_name = "NUMBER", conflicts_with = "known_at")]
    pub(crate) snapshot: Option<i64>,
    /// Read the records as they were known at this instant, such as 2024-03-31T23:59:59Z
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub(crate) known_at: Option<DateTime<Utc>>,
}

impl PointInTimeArgs {
    /// Opens the snapshot that the options choose.
    pub(crate) async fn open_snapshot(self, engine: &Engine) -> mrrow_engine::Result<Snapshot> {
        let past = self.snapshot.map(Past::Snapshot).or(self.known_at.map(Past::KnownAt));
        match past {
            Some(past) => engine.snapshot_of(past, self.as_of).await,
            None => engine.snapshot(self.as_of).await,
        }
    }
}
