//! The state of the room.

use std::sync::Arc;

use mrrow_engine::Engine;

use crate::snapshots::SnapshotReader;

#[derive(Clone)]
pub(crate) struct ReadsState {
    pub(crate) engine: Arc<Engine>,
    pub(crate) snapshots: SnapshotReader,
}
