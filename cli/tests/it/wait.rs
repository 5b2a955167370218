//! Waits for a condition, with a timeout that finds a hanging process.

use std::time::{Duration, Instant};

/// Longer than any condition takes on a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

const INTERVAL: Duration = Duration::from_millis(10);

/// Polls until there is a value.
pub(crate) fn wait_for<T>(condition: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = poll() {
            return value;
        }
        assert!(started.elapsed() < TIMEOUT, "timeout while waiting until {condition}");
        std::thread::sleep(INTERVAL);
    }
}
