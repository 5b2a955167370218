//! Sequences: each received row has a number. It is reserved, then acknowledged, then published.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::catalog::{Catalog, SnapshotFiles};
use crate::error::Result;

/// How often a process that does not write reads what another one has published.
const READ_EVERY: Duration = Duration::from_millis(50);
/// How often the process that writes reads it, although it publishes itself.
const READ_OWN_EVERY: Duration = Duration::from_secs(1);

/// The sequences of a directory. Only its writer reserves them.
#[derive(Debug)]
pub(crate) struct Sequences {
    /// Held from the reservation of sequences until their rows are in the inbox: an import that
    /// reserves sequences finds all earlier rows there.
    turn: tokio::sync::Mutex<()>,
    counters: Mutex<SequenceCounters>,
    /// The newest snapshot that this process has read or committed.
    newest: watch::Sender<Option<Arc<SnapshotFiles>>>,
}

#[derive(Debug)]
struct SequenceCounters {
    next: i64,
    /// The last one that this process has acknowledged; none while it is no writer.
    acknowledged: Option<i64>,
    import: ImportState,
}

/// The state of the import that has reserved sequences last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImportState {
    /// Its snapshot, if it has one, is known.
    Over,
    Running,
    /// It was dropped. Its commit may have succeeded, or may still be running.
    Abandoned,
}

/// The right to reserve sequences and to acknowledge them.
#[derive(Debug)]
pub(crate) struct SequenceTurn<'a> {
    sequences: &'a Sequences,
    _turn: tokio::sync::MutexGuard<'a, ()>,
}

/// The sequences of an import. If it is dropped and not finished, the import is abandoned.
#[derive(Debug)]
pub(crate) struct ImportSequences<'a> {
    sequences: &'a Sequences,
    pub(crate) first_sequence: i64,
    is_finished: bool,
}

impl Sequences {
    pub(super) fn new() -> Sequences {
        let counters = SequenceCounters { next: 1, acknowledged: None, import: ImportState::Over };
        Sequences {
            turn: tokio::sync::Mutex::default(),
            counters: Mutex::new(counters),
            newest: watch::Sender::new(None),
        }
    }

    /// Starts after the last sequence that is acknowledged or published.
    pub(crate) fn start_after(&self, last_sequence: i64) {
        let mut counters = self.counters();
        counters.next = last_sequence + 1;
        counters.acknowledged = Some(last_sequence);
    }

    /// Waits for the right to reserve sequences, first come, first served.
    pub(crate) async fn turn(&self) -> SequenceTurn<'_> {
        SequenceTurn { _turn: self.turn.lock().await, sequences: self }
    }

    /// Reserves sequences for the rows of an import; rows that are acknowledged later have later
    /// ones.
    pub(crate) async fn reserve_for_import(&self, rows: i64) -> ImportSequences<'_> {
        let turn = self.turn().await;
        let first_sequence = turn.next();
        turn.reserve_until(first_sequence + rows);
        self.counters().import = ImportState::Running;
        ImportSequences { sequences: self, first_sequence, is_finished: false }
    }

    pub(crate) fn import(&self) -> ImportState {
        self.counters().import
    }

    /// An abandoned import is over: its snapshot is known, and its commit is not running.
    pub(crate) fn settle_import(&self) {
        let mut counters = self.counters();
        if counters.import == ImportState::Abandoned {
            counters.import = ImportState::Over;
        }
    }

    /// The last sequence that is acknowledged or published; none while this process is no writer.
    pub(crate) fn acknowledged(&self) -> Option<i64> {
        let acknowledged = self.counters().acknowledged?;
        Some(acknowledged.max(self.published()))
    }

    /// The last sequence of the newest snapshot that this process knows.
    pub(crate) fn published(&self) -> i64 {
        last_sequence(&self.newest.borrow())
    }

    /// The newest snapshot that this process has read or committed, as it changes.
    pub(crate) fn newest(&self) -> watch::Receiver<Option<Arc<SnapshotFiles>>> {
        self.newest.subscribe()
    }

    /// Takes note of a snapshot. An older one than the newest has no effect.
    pub(super) fn publish(&self, snapshot: &SnapshotFiles) {
        self.newest.send_if_modified(|newest| {
            let is_newer = newest.as_ref().is_none_or(|newest| newest.info.id < snapshot.info.id);
            if is_newer {
                *newest = Some(Arc::new(snapshot.clone()));
            }
            is_newer
        });
    }

    /// Returns once a snapshot, of this process or another one, has everything up to a sequence.
    pub(crate) async fn wait_published(&self, catalog: &Catalog, sequence: i64) -> Result<()> {
        let mut newest = self.newest.subscribe();
        loop {
            let published = catalog.newest().await?;
            if published.map_or(0, |newest| newest.last_sequence) >= sequence {
                return Ok(());
            }
            let is_writer = self.counters().acknowledged.is_some();
            let read_again = if is_writer { READ_OWN_EVERY } else { READ_EVERY };
            let wait = newest.wait_for(|newest| last_sequence(newest) >= sequence);
            if let Ok(Ok(_)) = tokio::time::timeout(read_again, wait).await {
                return Ok(());
            }
        }
    }

    fn counters(&self) -> MutexGuard<'_, SequenceCounters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SequenceTurn<'_> {
    /// The next sequence.
    pub(crate) fn next(&self) -> i64 {
        self.sequences.counters().next
    }

    /// Reserves the sequences before `next`. They are not used again, even if their rows are not
    /// stored.
    pub(crate) fn reserve_until(&self, next: i64) {
        self.sequences.counters().next = next;
    }

    /// The rows up to a sequence are in the inbox.
    pub(crate) fn acknowledge(&self, sequence: i64) {
        self.sequences.counters().acknowledged = Some(sequence);
    }
}

impl ImportSequences<'_> {
    /// The import is over, and the snapshot that it made, if any, is known.
    pub(crate) fn finish(mut self) {
        self.is_finished = true;
    }
}

impl Drop for ImportSequences<'_> {
    fn drop(&mut self) {
        self.sequences.counters().import = match self.is_finished {
            true => ImportState::Over,
            false => ImportState::Abandoned,
        };
    }
}

fn last_sequence(newest: &Option<Arc<SnapshotFiles>>) -> i64 {
    newest.as_ref().map_or(0, |newest| newest.info.last_sequence)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn import_waits_until_reserved_rows_are_acknowledged() {
        let sequences = Sequences::new();
        assert_eq!(sequences.acknowledged(), None);
        sequences.start_after(7);
        let turn = sequences.turn().await;
        assert_eq!(turn.next(), 8);
        turn.reserve_until(10);
        assert!(sequences.reserve_for_import(5).now_or_never().is_none());
        turn.acknowledge(9);
        drop(turn);
        let import = sequences.reserve_for_import(5).await;
        assert_eq!((import.first_sequence, sequences.acknowledged()), (10, Some(9)));
        assert_eq!(sequences.turn().await.next(), 15);
        import.finish();
    }

    #[tokio::test]
    async fn dropped_import_is_abandoned_until_it_is_settled() {
        let sequences = Sequences::new();
        let import = sequences.reserve_for_import(1).await;
        sequences.settle_import();
        assert_eq!(sequences.import(), ImportState::Running);
        drop(import);
        assert_eq!(sequences.import(), ImportState::Abandoned);
        sequences.settle_import();
        assert_eq!(sequences.import(), ImportState::Over);
    }
}
