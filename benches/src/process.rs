//! Memory and processor time of a process, as Linux counts them in /proc.

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

use mimalloc::MiMalloc;

/// The allocator of the product, so that the memory of a bench compares with it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The name that `mrrow` gives to its background threads.
const BACKGROUND: &str = "background";

/// Peak memory of this process.
pub fn peak_memory() -> Result<String, Box<dyn Error>> {
    peak("self")
}

/// Peak memory of another process.
pub fn peak_memory_of(process: u32) -> Result<String, Box<dyn Error>> {
    peak(&process.to_string())
}

fn peak(process: &str) -> Result<String, Box<dyn Error>> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.ok_or("/proc has no peak memory of the process")?.trim().to_string())
}

/// Processor time, user and system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProcessorTime {
    /// Threads that answer requests.
    pub foreground: Duration,
    /// Threads that flush, publish and compact.
    pub background: Duration,
}

impl std::ops::Sub for ProcessorTime {
    type Output = ProcessorTime;

    fn sub(self, earlier: ProcessorTime) -> ProcessorTime {
        ProcessorTime {
            foreground: self.foreground.saturating_sub(earlier.foreground),
            background: self.background.saturating_sub(earlier.background),
        }
    }
}

/// The processor time of a process, thread by thread in nanoseconds.
///
/// /proc lists running threads only. Sample more often than an idle thread ends (10 s).
pub struct ProcessorClock {
    process: u32,
    /// The last time of each thread, and whether it is a background thread.
    threads: HashMap<String, (Duration, bool)>,
}

impl ProcessorClock {
    /// A clock without samples.
    pub fn new(process: u32) -> ProcessorClock {
        ProcessorClock { process, threads: HashMap::new() }
    }

    /// Reads the times of all threads, and returns their sums, including ended threads.
    pub fn sample(&mut self) -> Result<ProcessorTime, Box<dyn Error>> {
        for entry in std::fs::read_dir(format!("/proc/{}/task", self.process))? {
            let thread = entry?.path();
            // A thread may end between listing and reading; its last sample remains.
            let Some(time) = on_processor(&thread) else { continue };
            let name = std::fs::read_to_string(thread.join("comm")).unwrap_or_default();
            let key = thread.display().to_string();
            self.threads.insert(key, (time, name.trim() == BACKGROUND));
        }
        let mut sum = ProcessorTime::default();
        for (time, is_background) in self.threads.values() {
            if *is_background {
                sum.background += *time;
            } else {
                sum.foreground += *time;
            }
        }
        Ok(sum)
    }
}

/// The first number of `schedstat`: nanoseconds on a processor.
fn on_processor(thread: &Path) -> Option<Duration> {
    let text = std::fs::read_to_string(thread.join("schedstat")).ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_time_grows_with_work() -> Result<(), Box<dyn Error>> {
        let mut clock = ProcessorClock::new(std::process::id());
        let before = clock.sample()?;
        let mut sum = 0_u64;
        let mut time = ProcessorTime::default();
        while time.foreground < Duration::from_millis(5) {
            (0..1_000_000).for_each(|number: u64| sum = std::hint::black_box(sum ^ number));
            time = clock.sample()? - before;
        }
        assert_eq!(time.background, Duration::ZERO);
        Ok(())
    }
}
