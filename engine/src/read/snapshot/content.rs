//! The parts of a snapshot, and the resources that stay while its rows are read.

use std::sync::Arc;

use tempfile::TempDir;

use super::id_lookup::IdLookup;
use crate::model::RuleInputs;
use crate::read::sql::PlanVisibility;
use crate::sessions::{Sessions, StoredTables};
use crate::store::SnapshotPin;

/// The parts of a snapshot.
#[derive(Clone)]
pub(super) struct SnapshotContent {
    pub(super) id: i64,
    pub(super) last_sequence: i64,
    pub(super) moment: RuleInputs,
    pub(super) tables: StoredTables,
    pub(super) sessions: Sessions,
    /// The only data sources whose rows are visible; all if there is none.
    pub(super) only: Option<Arc<[String]>>,
    /// None for the past, and in another process.
    pub(super) ids: Option<IdLookup>,
    pub(super) plans: PlanVisibility,
    pub(super) resources: Arc<ReadResources>,
}

/// They stay while rows are read, also rows of a stream that outlives its snapshot.
pub(super) struct ReadResources {
    /// Rows that are computed for this snapshot alone.
    pub(super) _computed: Option<TempDir>,
    /// None in a process that did not choose the snapshot.
    pub(super) _in_use: Option<SnapshotPin>,
}

impl SnapshotContent {
    /// Whether rows of a data source are visible.
    pub(super) fn sees(&self, data_source: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|seen| seen == data_source))
    }
}
