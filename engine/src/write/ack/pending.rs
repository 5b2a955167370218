//! Versions that are acknowledged and not published: newer than the id index, and read before it.

use crate::catalog::InboxRows;
use crate::error::Result;
use crate::files::{ByKey, Key, KnownId};
use crate::model::ObjectType;
use crate::records::IncomingRows;
use crate::store::{SnapshotFiles, Store};
use crate::write::ack::inbox_codec::InboxBatch;

/// The last acknowledged version of ids, of each type.
#[derive(Debug, Default)]
pub(super) struct PendingVersions([ByKey<PendingVersion>; ObjectType::ALL.len()]);

#[derive(Debug)]
struct PendingVersion {
    known: KnownId,
    /// The flush stores the row as it is in the inbox. Otherwise it compares the row once more, and
    /// may drop it.
    is_decided: bool,
}

impl PendingVersions {
    /// The versions that another writer has left in the inbox, while everything up to a sequence is
    /// published.
    pub(super) fn of_inbox(inbox: &[InboxRows], published: i64) -> Result<PendingVersions> {
        let mut pending = PendingVersions::default();
        for request in inbox {
            let batch = InboxBatch::of_bytes(request.object, &request.rows)?;
            let is_decided = batch.is_decided(published);
            let incoming = IncomingRows::of_batch(request.object, &batch.versions)?;
            for row in 0..batch.versions.rows().num_rows() as u32 {
                let (key, known) = (incoming.key(row), incoming.known(row));
                pending.insert(request.object, key, known, is_decided);
            }
        }
        Ok(pending)
    }

    pub(super) fn insert(
        &mut self,
        object: ObjectType,
        key: Key,
        known: KnownId,
        is_decided: bool,
    ) {
        self.0[object as usize].insert(key, PendingVersion { known, is_decided });
    }

    /// Lays newer versions over these.
    pub(super) fn extend(&mut self, newer: PendingVersions) {
        self.0.iter_mut().zip(newer.0).for_each(|(older, newer)| older.extend(newer));
    }

    /// Forgets versions that are published.
    pub(super) fn forget_until(&mut self, until: i64) {
        self.0
            .iter_mut()
            .for_each(|of_type| of_type.retain(|_, version| version.known.sequence > until));
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
        let newest = |key: &Key| self.pending(object, key).map(|version| version.known.clone());
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

    /// Whether the flush will store the pending versions of these ids as they are in the inbox.
    pub(super) fn are_decided(&self, object: ObjectType, keys: impl Iterator<Item = Key>) -> bool {
        keys.filter_map(|key| self.pending(object, &key)).all(|version| version.is_decided)
    }

    fn pending(&self, object: ObjectType, key: &Key) -> Option<&PendingVersion> {
        let together = self.together.0[object as usize].get(key);
        together.or_else(|| self.pending.0[object as usize].get(key))
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
