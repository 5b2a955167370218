//! How much memory a measurement took, with the allocator that the binary has too.

use std::error::Error;

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The most memory this process has held, as Linux counts it.
#[allow(dead_code, reason = "what measures another process asks for that one's")]
pub(crate) fn peak() -> Result<String, Box<dyn Error>> {
    of("self")
}

/// The most memory another process has held.
#[allow(dead_code, reason = "what measures itself asks for its own")]
pub(crate) fn peak_of(process: u32) -> Result<String, Box<dyn Error>> {
    of(&process.to_string())
}

fn of(process: &str) -> Result<String, Box<dyn Error>> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.ok_or("the system does not tell peak memory")?.trim().to_string())
}
