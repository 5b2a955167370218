//! Retention: how long snapshots and their files are kept.

use chrono::TimeDelta;

/// How long the past stays at hand. What is given up here can still be computed from the history of
/// records: only slower, and for instants between two kept snapshots by the time of receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How long every snapshot keeps its files once the next one has taken its place, so that
    /// whoever reads it can go on.
    pub files: TimeDelta,
    /// How long every snapshot is kept likewise; one at a settings change, for ever; one that an
    /// import made, as the daily ones.
    pub snapshots: TimeDelta,
    /// How long the last snapshot of each day is kept, with its files; the last of each month is
    /// kept for ever.
    pub daily: TimeDelta,
}

impl Default for Retention {
    fn default() -> Self {
        Retention {
            files: TimeDelta::minutes(10),
            snapshots: TimeDelta::days(1),
            daily: TimeDelta::days(90),
        }
    }
}
