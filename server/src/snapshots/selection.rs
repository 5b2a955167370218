//! The snapshot that parameters select, before it is opened.

use chrono::{DateTime, NaiveDate, Utc};
use mrrow_engine::{NewestSnapshot, Past};

use super::ReadParams;
use crate::error::{ApiError, Result};

/// A snapshot, selected and not yet opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SnapshotSelection {
    /// The newest snapshot at the time of the request.
    pub(super) newest: NewestSnapshot,
    pub(super) past: Option<PastSelection>,
    pub(super) as_of: Option<NaiveDate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum PastSelection {
    Snapshot(i64),
    KnownAt(DateTime<Utc>),
}

impl From<PastSelection> for Past {
    fn from(selection: PastSelection) -> Past {
        match selection {
            PastSelection::Snapshot(id) => Past::Snapshot(id),
            PastSelection::KnownAt(instant) => Past::KnownAt(instant),
        }
    }
}

impl SnapshotSelection {
    pub(super) fn new(
        newest: NewestSnapshot,
        parameters: &ReadParams,
    ) -> Result<SnapshotSelection> {
        let past = match (parameters.snapshot, parameters.known_at) {
            (Some(_), Some(_)) => {
                let message =
                    "\"snapshot\" and \"known_at\" select different snapshots; give one of them";
                return Err(ApiError::invalid("known_at", message));
            }
            (Some(id), None) => Some(PastSelection::Snapshot(id)),
            (None, Some(instant)) => Some(PastSelection::KnownAt(instant)),
            (None, None) => None,
        };
        Ok(SnapshotSelection { newest, past, as_of: parameters.as_of })
    }

    /// The selection without the parts that its snapshot does not depend on.
    pub(super) fn normalized(mut self) -> SnapshotSelection {
        match self.past {
            None => self.as_of = self.as_of.or(Some(self.newest.as_of)),
            Some(PastSelection::Snapshot(_)) => {
                self.newest =
                    NewestSnapshot { snapshot: 0, last_sequence: 0, as_of: NaiveDate::MIN };
            }
            Some(PastSelection::KnownAt(_)) => {}
        }
        self
    }

    /// A text that differs whenever the rows may differ, where `newest` is the newest snapshot. The
    /// rows known at an instant are final only once there is a later snapshot.
    pub(super) fn version(&self, newest: i64) -> String {
        let as_of = self.as_of.unwrap_or(self.newest.as_of);
        match self.past {
            None => format!("newest {newest} as of {as_of}"),
            Some(PastSelection::Snapshot(id)) => format!("snapshot {id} as of {:?}", self.as_of),
            Some(PastSelection::KnownAt(instant)) => {
                format!("{instant} from {newest} as of {:?}", self.as_of)
            }
        }
    }
}
