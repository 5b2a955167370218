//! How much of what is pushed may wait, and for how long.

use std::time::Duration;

/// The limits of pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PushLimits {
    /// Bytes of one request as it is sent; what is larger is to be imported.
    pub request_bytes: usize,
    /// Bytes that the rows of one request take once they are decoded; compressed bytes may be more than they seem.
    pub decoded_bytes: u64,
    /// Bytes of acknowledged requests that may wait for their publication, and likewise of requests that wait for their
    /// acknowledgement; beyond it pushes are refused as [`crate::Error::Overloaded`].
    pub inbox_bytes: u64,
    /// Requests that may wait for their acknowledgement; beyond it they are refused likewise. At least one.
    pub requests_waiting: usize,
    /// How long an acknowledged request waits at most until its publication begins.
    pub flush_after: Duration,
    /// Bytes of acknowledged requests that are published without waiting.
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
            inbox_bytes: 64 * MIB,
            requests_waiting: 1024,
            flush_after: Duration::from_millis(500),
            flush_bytes: 4 * MIB,
            idempotency_kept: Duration::from_secs(24 * 60 * 60),
        }
    }
}
