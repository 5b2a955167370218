//! Pins: the files of a snapshot stay while a reader of this process holds its pin.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Stands for every snapshot.
const EVERY_SNAPSHOT: i64 = -1;

/// The pins of a process; a clone is the same set.
#[derive(Debug, Clone, Default)]
pub(crate) struct SnapshotPins {
    /// How many pins each snapshot has.
    counts: Arc<Mutex<BTreeMap<i64, usize>>>,
}

/// Keeps the files of one snapshot, or of all, until it is dropped.
#[derive(Debug)]
pub(crate) struct SnapshotPin {
    pins: SnapshotPins,
    snapshot: i64,
}

impl SnapshotPins {
    pub(crate) fn pin(&self, snapshot: i64) -> SnapshotPin {
        *self.counts().entry(snapshot).or_default() += 1;
        SnapshotPin { pins: self.clone(), snapshot }
    }

    /// Pins every snapshot, while one of them is chosen.
    pub(crate) fn pin_all(&self) -> SnapshotPin {
        self.pin(EVERY_SNAPSHOT)
    }

    /// The pinned snapshots; none when all are.
    pub(crate) fn pinned(&self) -> Option<Vec<i64>> {
        let counts = self.counts();
        (!counts.contains_key(&EVERY_SNAPSHOT)).then(|| counts.keys().copied().collect())
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<i64, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SnapshotPin {
    fn drop(&mut self) {
        let mut counts = self.pins.counts();
        if let Some(count) = counts.get_mut(&self.snapshot) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.snapshot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshot_is_pinned_until_its_last_pin_is_dropped() {
        let pins = SnapshotPins::default();
        let (first, second, other) = (pins.pin(7), pins.pin(7), pins.pin(9));
        assert_eq!(pins.pinned(), Some(vec![7, 9]));
        drop((first, other));
        assert_eq!(pins.pinned(), Some(vec![7]));
        let all = pins.pin_all();
        assert_eq!(pins.pinned(), None);
        drop((all, second));
        assert_eq!(pins.pinned(), Some(vec![]));
    }
}
