//! The bytes of acknowledged requests that are not published, for limits and for the flush.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::catalog::InboxRows;

/// Requests in the inbox.
#[derive(Debug, Default)]
pub(crate) struct UnpublishedBytes {
    /// Their last sequences, which rise, and the memory that they take.
    requests: Mutex<VecDeque<(i64, u64)>>,
    /// The sum of all.
    bytes: AtomicU64,
    grown: Notify,
}

impl UnpublishedBytes {
    /// Starts with the requests that an earlier writer has left.
    pub(super) fn new(left: &[InboxRows]) -> UnpublishedBytes {
        let unpublished = UnpublishedBytes::default();
        unpublished.add(left);
        unpublished
    }

    /// Adds rows before they are durable: they may be published before their commit returns.
    pub(super) fn add(&self, rows: &[InboxRows]) {
        let mut requests = self.requests();
        for rows in rows {
            requests.push_back((rows.last_sequence, rows.memory_bytes));
            self.bytes.fetch_add(rows.memory_bytes, Ordering::AcqRel);
        }
    }

    /// Wakes the flush: the added rows are durable.
    pub(super) fn notify(&self) {
        self.grown.notify_one();
    }

    /// Removes the rows that were added last: they are not durable.
    pub(super) fn take_back(&self, rows: &[InboxRows]) {
        let mut requests = self.requests();
        for rows in rows {
            while requests
                .back()
                .is_some_and(|(last_sequence, _)| *last_sequence >= rows.first_sequence)
            {
                self.subtract(requests.pop_back());
            }
        }
    }

    /// Removes the requests up to a sequence: they are published.
    pub(crate) fn published(&self, until: i64) {
        let mut requests = self.requests();
        while requests.front().is_some_and(|(last_sequence, _)| *last_sequence <= until) {
            self.subtract(requests.pop_front());
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    /// Returns when rows were added.
    pub(crate) async fn grown(&self) {
        self.grown.notified().await;
    }

    fn subtract(&self, request: Option<(i64, u64)>) {
        self.bytes.fetch_sub(request.map_or(0, |(_, bytes)| bytes), Ordering::AcqRel);
    }

    fn requests(&self) -> MutexGuard<'_, VecDeque<(i64, u64)>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectType;

    fn rows(first_sequence: i64, last_sequence: i64, memory_bytes: u64) -> InboxRows {
        let (object, request_last_sequence) = (ObjectType::Plans, last_sequence);
        InboxRows {
            object,
            first_sequence,
            last_sequence,
            request_last_sequence,
            rows: Vec::new(),
            memory_bytes,
        }
    }

    #[test]
    fn each_request_counts_until_it_is_published() {
        let unpublished = UnpublishedBytes::new(&[rows(1, 2, 10), rows(3, 3, 20)]);
        unpublished.add(&[rows(4, 9, 300), rows(10, 12, 4000)]);
        let failed = [rows(20, 29, 5), rows(30, 31, 6)];
        unpublished.add(&failed);
        unpublished.take_back(&failed);
        for (until, left) in
            [(1, 4330), (3, 4300), (3, 4300), (9, 4000), (2, 4000), (50, 0), (50, 0)]
        {
            unpublished.published(until);
            assert_eq!(unpublished.bytes(), left, "{until}");
        }
    }

    #[test]
    fn failed_request_may_have_been_published() {
        let unpublished = UnpublishedBytes::new(&[]);
        let failed = [rows(1, 2, 10)];
        unpublished.add(&failed);
        unpublished.published(2);
        unpublished.take_back(&failed);
        assert_eq!(unpublished.bytes(), 0);
    }
}
