//! How much memory a measurement took.

use std::error::Error;

/// The most memory this process has held, as Linux counts it.
pub(crate) fn peak() -> Result<String, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.ok_or("the system does not tell peak memory")?.trim().to_string())
}
