//! How much is acknowledged and not yet published. Who publishes waits for it here.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::catalog::InboxRows;

/// Requests in the inbox.
#[derive(Debug, Default)]
pub(crate) struct Unpublished {
    /// Their last sequences, which rise, and the memory that they take.
    requests: Mutex<VecDeque<(i64, u64)>>,
    /// What all of them take.
    bytes: AtomicU64,
    grown: Notify,
}

impl Unpublished {
    /// What an earlier writer has left.
    pub(super) fn new(left: &[InboxRows]) -> Unpublished {
        let unpublished = Unpublished::default();
        unpublished.add(left);
        unpublished
    }

    /// Counts what is about to be durable: it may be published before its acknowledger hears of it.
    pub(super) fn add(&self, rows: &[InboxRows]) {
        let mut requests = self.requests();
        for rows in rows {
            requests.push_back((rows.last_sequence, rows.memory_bytes));
            self.bytes.fetch_add(rows.memory_bytes, Ordering::AcqRel);
        }
    }

    /// What was added is durable now.
    pub(super) fn tell(&self) {
        self.grown.notify_one();
    }

    /// What was added last was not made durable.
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

    /// What was acknowledged up to a sequence is published. It does no harm to say so again.
    pub(crate) fn published(&self, until: i64) {
        let mut requests = self.requests();
        while requests.front().is_some_and(|(last_sequence, _)| *last_sequence <= until) {
            self.subtract(requests.pop_front());
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    /// Returns when there is more of it.
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
    fn each_request_counts_until_it_is_published_whoever_says_so() {
        let unpublished = Unpublished::new(&[rows(1, 2, 10), rows(3, 3, 20)]);
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
    fn what_failed_may_have_been_published_all_the_same() {
        let unpublished = Unpublished::new(&[]);
        let told_to_fail = [rows(1, 2, 10)];
        unpublished.add(&told_to_fail);
        unpublished.published(2);
        unpublished.take_back(&told_to_fail);
        assert_eq!(unpublished.bytes(), 0);
    }
}
