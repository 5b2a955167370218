//! Moments: the one that a command reads, the newest snapshot or one of the past; and how an
//! instant is printed.

use chrono::{DateTime, Utc};
use mrrow_engine::{Engine, Past, Snapshot};

use crate::args::MomentArgs;

impl MomentArgs {
    /// The snapshot that was asked for.
    pub(crate) async fn snapshot(self, engine: &Engine) -> mrrow_engine::Result<Snapshot> {
        let past = self.snapshot.map(Past::Snapshot).or(self.known_at.map(Past::KnownAt));
        match past {
            Some(past) => engine.snapshot_of(past, self.as_of).await,
            None => engine.snapshot(self.as_of).await,
        }
    }
}

/// An instant as it is printed, in UTC.
pub(crate) fn shown(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
