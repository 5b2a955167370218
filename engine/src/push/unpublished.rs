//! How much is acknowledged and not yet published. Who publishes waits for it here.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Bytes of requests in the inbox.
#[derive(Debug, Default)]
pub(crate) struct Unpublished {
    bytes: AtomicU64,
    grown: Notify,
}

impl Unpublished {
    pub(super) fn new(bytes: u64) -> Unpublished {
        Unpublished { bytes: AtomicU64::new(bytes), grown: Notify::new() }
    }

    /// Counts what is about to be durable: it may be published before its acknowledger hears of it.
    pub(super) fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
    }

    /// What was added is durable now.
    pub(super) fn tell(&self) {
        self.grown.notify_one();
    }

    /// What was added is published, or was not made durable.
    pub(crate) fn remove(&self, bytes: u64) {
        let less = |before: u64| Some(before.saturating_sub(bytes));
        // It always has a value to store.
        let _ = self.bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    /// Returns when there is more of it.
    pub(crate) async fn grown(&self) {
        self.grown.notified().await;
    }
}
