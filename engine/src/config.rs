//! How an engine is opened: directory, memory, threads, limits, retention, clock.

mod push_limits;
mod retention;

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::runtime::Handle;

pub use push_limits::PushLimits;
pub use retention::Retention;

/// Returns the time. It is passed in, so that every answer can be reproduced.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Memory that queries and computations may use before they spill to disk, unless configured.
pub const MEMORY_BYTES_DEFAULT: usize = 768 * 1024 * 1024;

/// The least memory that computations are given; with less, sorts and joins could not even begin.
pub const MEMORY_BYTES_MIN: usize = 256 * 1024 * 1024;

/// How to open an engine.
#[derive(Clone)]
pub struct Config {
    /// The data directory; created where it is missing.
    pub data_dir: PathBuf,
    /// Memory in bytes that queries and computations may use before they spill to disk; at least
    /// [`MEMORY_BYTES_MIN`].
    pub memory_bytes: usize,
    /// How many threads computations use.
    pub threads: usize,
    /// How much of what is pushed may wait, and for how long.
    pub push: PushLimits,
    /// How long the past stays at hand.
    pub retention: Retention,
    /// Where publications, imports, compactions and changes of settings run: threads of lower
    /// priority, say, which are in the way of no acknowledgement and of no read. The caller's own
    /// runtime unless given.
    pub background: Option<Handle>,
    /// Returns the time.
    pub clock: Clock,
}

impl Config {
    /// The defaults for a data directory, with the clock that tells the time.
    pub fn new(data_dir: impl Into<PathBuf>, clock: Clock) -> Config {
        Config {
            data_dir: data_dir.into(),
            memory_bytes: MEMORY_BYTES_DEFAULT,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            push: PushLimits::default(),
            retention: Retention::default(),
            background: None,
            clock,
        }
    }
}
