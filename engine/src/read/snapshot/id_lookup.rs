//! Look-ups in the id index of a snapshot.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::files::{DataFile, Key};
use crate::model::ObjectType;
use crate::sessions::CurrentId;
use crate::store::{SnapshotFiles, Store};
use crate::tables::TableKind;

/// The id index of a snapshot of the present.
#[derive(Clone)]
pub(super) struct IdLookup {
    store: Arc<Store>,
    files: Arc<[DataFile]>,
}

impl IdLookup {
    pub(super) fn new(store: &Arc<Store>, pinned: &SnapshotFiles) -> IdLookup {
        let files = pinned
            .files
            .iter()
            .filter(|file| file.table.kind() == TableKind::IdIndex)
            .cloned()
            .collect();
        IdLookup { store: Arc::clone(store), files }
    }

    /// The current versions of an id in these data sources, in their order.
    pub(super) async fn find(
        &self,
        object: ObjectType,
        sources: Vec<String>,
        id: &str,
    ) -> Result<Vec<CurrentId>> {
        let (index, id) = (self.clone(), id.to_string());
        let finding = tokio::task::spawn_blocking(move || {
            let mut keyed: Vec<(Key, String)> =
                sources.into_iter().map(|source| (Key::of(&source, &id), source)).collect();
            keyed.sort();
            let keys: Vec<Key> = keyed.iter().map(|(key, _)| *key).collect();
            let known = index.store.ids.find(&index.files, object, &keys)?;
            let mut found: Vec<CurrentId> = keyed
                .into_iter()
                .zip(known)
                .filter_map(|((_, data_source), known)| {
                    known.filter(|known| !known.deleted).map(|known| CurrentId {
                        data_source,
                        id: id.clone(),
                        known,
                    })
                })
                .collect();
            found.sort_by(|one, other| one.data_source.cmp(&other.data_source));
            Ok(found)
        });
        finding.await.map_err(|error| Error::Internal(format!("look up an id: {error}")))?
    }

    /// The ids of all data sources.
    pub(super) async fn data_sources(&self) -> Result<Vec<String>> {
        self.store.catalog.data_source_ids().await
    }
}
