//! How much of what is pushed may wait, and for how long.

use std::time::Duration;

/// The limits of pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PushLimits {
    /// Bytes of one request as it is sent; what is larger is to be imported.
    pub request_bytes: usize,
    /// Bytes that the rows of one request take once they are decoded; compressed bytes may be more
    /// than they seem.
    pub decoded_bytes: u64,
    /// Bytes of acknowledged requests that may wait for their publication, as they are in memory;
    /// beyond it pushes are refused as [`crate::Error::Overloaded`].
    pub inbox_bytes: u64,
    /// Requests that may wait for their acknowledgement; beyond it they are refused likewise. At
    /// least one.
    pub requests_waiting: usize,
    /// Bytes of them; one alone may have more.
    pub waiting_bytes: u64,
    /// How long an acknowledged request waits at most until its publication begins.
    pub flush_after: Duration,
    /// Bytes of acknowledged requests, as they are in memory, that are published without waiting.
    pub flush_bytes: u64,
    /// How long the answer to a request with an idempotency key is remembered.
    pub idempotency_kept: Duration,
}

impl Default for PushLimits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        PushLimits {
            request_bytes: 16 * 1024 * 1024,
            decoded_bytes: 64 * MIB,
            inbox_bytes: 256 * MIB,
            requests_waiting: 1024,
            waiting_bytes: 64 * MIB,
            flush_after: Duration::from_millis(500),
            flush_bytes: 16 * MIB,
            idempotency_kept: Duration::from_secs(24 * 60 * 60),
        }
    }
}
