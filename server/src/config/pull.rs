//! How much is fetched at most, how often it is tried, and how long it may take.

use std::time::Duration;

/// The limits of pulls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PullLimits {
    /// Pages of one type in a sync; an endpoint that always has more ends here.
    pub pages: usize,
    /// Bytes of a page as it is sent.
    pub page_bytes: usize,
    /// Bytes of a page once it is decompressed.
    pub decoded_bytes: usize,
    /// Objects of a page.
    pub page_rows: usize,
    /// Redirects that are followed for one page.
    pub redirects: usize,
    /// How long a connection may take to be made.
    pub connect_time: Duration,
    /// How long an endpoint may send nothing.
    pub pause_time: Duration,
    /// How long a page may take from the request to its last byte.
    pub page_time: Duration,
    /// How long a sync may take.
    pub sync_time: Duration,
    /// How often a page is asked for again when that may help.
    pub retries: usize,
    /// The first pause before it is asked for again; each further one is twice as long.
    pub retry_pause: Duration,
    /// The longest of these pauses.
    pub retry_pause_max: Duration,
    /// The longest pause that an endpoint can ask for (Retry-After).
    pub retry_after_max: Duration,
    /// Syncs that are at work at once; further ones wait for their turn.
    pub syncs: usize,
    /// Rejected objects of a sync that are kept to be looked at; all of them are counted.
    pub rejections: usize,
    /// How often it is looked whether a scheduled sync is due.
    pub schedule_tick: Duration,
}

impl Default for PullLimits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        const HOUR: Duration = Duration::from_secs(60 * 60);
        PullLimits {
            pages: 10_000,
            page_bytes: 64 * MIB,
            decoded_bytes: 64 * MIB,
            page_rows: 100_000,
            redirects: 5,
            connect_time: Duration::from_secs(10),
            pause_time: Duration::from_secs(30),
            page_time: Duration::from_secs(300),
            sync_time: 24 * HOUR,
            retries: 4,
            retry_pause: Duration::from_millis(500),
            retry_pause_max: Duration::from_secs(60),
            retry_after_max: Duration::from_secs(600),
            syncs: 2,
            rejections: 1000,
            schedule_tick: Duration::from_secs(1),
        }
    }
}
