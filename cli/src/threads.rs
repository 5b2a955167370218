//! The threads of the process: some for calls, some of lower priority for what goes on beside them.

use std::time::Duration;

use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};
use tokio::runtime::{Builder, Runtime};

use crate::exit::Failure;

/// Plans of deeply nested SQL are walked by recursion; the longest statement that is allowed fits.
pub(crate) const STACK_BYTES: usize = 256 * 1024 * 1024;

/// How long threads that have nothing to do any more may take to end.
const END_WITHIN: Duration = Duration::from_millis(300);

/// On Linux, where a thread has a niceness of its own, it is 10: of a core that both want, calls
/// get nine tenths.
const BACKGROUND_PRIORITY: u8 = 22;

/// Threads for what somebody waits for.
pub(crate) fn for_calls() -> Result<Runtime, Failure> {
    start(&mut Builder::new_multi_thread())
}

/// Threads for what nobody waits for at once; they are started when they are needed.
pub(crate) fn for_background() -> Result<Runtime, Failure> {
    start(Builder::new_multi_thread().thread_name("background").on_thread_start(|| {
        // Where the system knows no such thing, they are threads like the others.
        if let Ok(priority) = ThreadPriorityValue::try_from(BACKGROUND_PRIORITY) {
            let _ = set_current_thread_priority(ThreadPriority::Crossplatform(priority));
        }
    }))
}

fn start(builder: &mut Builder) -> Result<Runtime, Failure> {
    let runtime = builder.thread_stack_size(STACK_BYTES).enable_all().build();
    runtime.map_err(|error| Failure::other(format!("start the runtime: {error}")))
}

/// Ends threads. They are joined, not detached: the C library reads a detached thread's memory
/// after that thread may have ended and, with stacks as large as ours, given it back. Only one that
/// still waits for input that nobody will send is left behind.
pub(crate) fn end(threads: Runtime) {
    threads.shutdown_timeout(END_WITHIN);
}
