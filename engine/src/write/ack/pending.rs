//! Versions that are acknowledged and not published: newer than the id index, and read before it.

use super::inbox_codec;
use crate::catalog::InboxRows;
use crate::error::Result;
use crate::files::{ByKey, Key, KnownId};
use crate::model::ObjectType;
use crate::records::Incoming;
use crate::store::{SnapshotFiles, Store};
use crate::write::flush::with_keys;

/// The last acknowledged version of ids, of each type.
#[derive(Debug, Default)]
pub(super) struct PendingVersions([ByKey<KnownId>; ObjectType::ALL.len()]);

impl PendingVersions {
    /// The versions that another writer has left in the inbox.
    pub(super) fn of_inbox(inbox: &[InboxRows]) -> Result<PendingVersions> {
        let mut pending = PendingVersions::default();
        for request in inbox {
            let rows = with_keys(&inbox_codec::of_bytes(request.object, &request.rows)?)?;
            let incoming = Incoming::of(request.object, &rows)?;
            for row in 0..rows.num_rows() as u32 {
                pending.insert(request.object, incoming.key(row), incoming.known(row));
            }
        }
        Ok(pending)
    }

    pub(super) fn insert(&mut self, object: ObjectType, key: Key, known: KnownId) {
        self.0[object as usize].insert(key, known);
    }

    /// Lays newer versions over these.
    pub(super) fn extend(&mut self, newer: PendingVersions) {
        self.0.iter_mut().zip(newer.0).for_each(|(older, newer)| older.extend(newer));
    }

    /// Forgets versions that are published.
    pub(super) fn forget_until(&mut self, until: i64) {
        self.0.iter_mut().for_each(|known| known.retain(|_, known| known.sequence > until));
    }
}

/// Looks up the last version of an id: in the group, among the pending ones, in the id index.
pub(super) struct VersionLookup<'a> {
    pub(super) store: &'a Store,
    pub(super) pinned: &'a SnapshotFiles,
    pub(super) pending: &'a PendingVersions,
    pub(super) together: &'a PendingVersions,
}

impl VersionLookup<'_> {
    /// The last versions of ids, whose keys rise.
    pub(super) fn find(&self, object: ObjectType, keys: &[Key]) -> Result<Vec<Option<KnownId>>> {
        let (together, pending) =
            (&self.together.0[object as usize], &self.pending.0[object as usize]);
        let newest = |key: &Key| together.get(key).or_else(|| pending.get(key)).cloned();
        let mut found: Vec<_> = keys.iter().map(newest).collect();
        let missing: Vec<Key> = keys
            .iter()
            .zip(&found)
            .filter(|(_, known)| known.is_none())
            .map(|(key, _)| *key)
            .collect();
        let mut published = self.store.ids.find(&self.pinned.files, object, &missing)?.into_iter();
        for known in found.iter_mut().filter(|known| known.is_none()) {
            *known = published.next().flatten();
        }
        Ok(found)
    }

    /// The last versions of ids, in any order, that are not deleted.
    pub(super) fn live(&self, object: ObjectType, keys: &[Key]) -> Result<ByKey<KnownId>> {
        let mut rising = keys.to_vec();
        rising.sort_unstable();
        rising.dedup();
        let found = self.find(object, &rising)?;
        let live = rising.into_iter().zip(found).filter_map(|(key, known)| Some((key, known?)));
        Ok(live.filter(|(_, known)| !known.deleted).collect())
    }
}
