//! The threads of the process: foreground threads for requests, and background threads of lower
//! priority.

use std::time::Duration;

use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};
use tokio::runtime::{Builder, Runtime};

use crate::exit::Failure;

/// Plans of deeply nested SQL are walked by recursion; the longest allowed statement fits.
pub(crate) const STACK_BYTES: usize = 256 * 1024 * 1024;

/// How long the threads of a runtime may take to end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(300);

/// On Linux this is niceness 10: a foreground thread gets nine tenths of a core that both need.
const BACKGROUND_PRIORITY: u8 = 22;

/// Threads for requests.
pub(crate) fn foreground() -> Result<Runtime, Failure> {
    start(&mut Builder::new_multi_thread())
}

/// Threads for flushes, imports and compactions.
pub(crate) fn background() -> Result<Runtime, Failure> {
    start(Builder::new_multi_thread().thread_name("background").on_thread_start(|| {
        // A system without priorities runs them as normal threads.
        if let Ok(priority) = ThreadPriorityValue::try_from(BACKGROUND_PRIORITY) {
            let _ = set_current_thread_priority(ThreadPriority::Crossplatform(priority));
        }
    }))
}

fn start(builder: &mut Builder) -> Result<Runtime, Failure> {
    let runtime = builder.thread_stack_size(STACK_BYTES).enable_all().build();
    runtime.map_err(|error| Failure::other(format!("start the runtime: {error}")))
}

/// Shuts a runtime down and joins its threads. Only a thread that blocks on input is left behind.
///
/// The threads are joined because the C library may read the memory of a detached thread after it
/// ended and returned its large stack.
pub(crate) fn shut_down(threads: Runtime) {
    threads.shutdown_timeout(SHUTDOWN_TIMEOUT);
}
