//! A snapshot that another process can answer from: it opens these files, and neither a catalog nor
//! a lock.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::content::{ReadResources, SnapshotContent};
use crate::error::Result;
use crate::model::RuleInputs;
use crate::mrr::register_functions;
use crate::read::Snapshot;
use crate::read::sql::PlanVisibility;
use crate::sessions::{Sessions, StoredTables};

/// The parts of a snapshot, to be sent to a process of the same version. The files stay as long as
/// the sending process has the [`Snapshot`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PortableSnapshot {
    id: i64,
    last_sequence: i64,
    moment: RuleInputs,
    tables: StoredTables,
    only: Option<Vec<String>>,
}

impl PortableSnapshot {
    /// The files that are read.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.tables.paths()
    }

    /// Opens it. Nothing is ever written: a statement that needs more memory fails. Plans are
    /// hidden, because they name files.
    ///
    /// # Errors
    /// When the memory budget cannot be set up.
    pub fn open(self, memory_bytes: usize, threads: usize) -> Result<Snapshot> {
        Ok(Snapshot::open(SnapshotContent {
            id: self.id,
            last_sequence: self.last_sequence,
            moment: self.moment,
            tables: self.tables,
            sessions: Sessions::without_spilling(memory_bytes, threads, register_functions)?,
            only: self.only.map(Arc::from),
            ids: None,
            plans: PlanVisibility::Hidden,
            resources: Arc::new(ReadResources { _computed: None, _in_use: None }),
        }))
    }
}

impl Snapshot {
    /// The same snapshot for another process, with its restriction to data sources.
    pub fn portable(&self) -> PortableSnapshot {
        let content = &self.content;
        PortableSnapshot {
            id: content.id,
            last_sequence: content.last_sequence,
            moment: content.moment.clone(),
            tables: content.tables.clone(),
            only: content.only.as_deref().map(<[String]>::to_vec),
        }
    }
}
