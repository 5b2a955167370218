//! Confines a worker before it runs a statement: limits its memory, time and files (rlimit), and
//! denies every file but those of the snapshot, and the network (Landlock).

use std::fs;
use std::io;

use rlimit::{Resource, setrlimit};

use super::protocol::WorkerRequest;

/// The stack of each thread. It fits the longest statement that is allowed, but not every plan.
pub(super) const STACK_BYTES: usize = 64 * 1024 * 1024;
/// Threads of the runtime that may block on files.
pub(super) const FILE_THREADS: usize = 4;
/// Further threads: the main thread, the one that watches stdin, the one that plans.
const OTHER_THREADS: usize = 3;
/// Files that are open at once.
const FILES_MAX: u64 = 1024;
/// Memory beside the statement's: allocator arenas, plans, mapped files.
const OVERHEAD_BYTES: u64 = 256 * 1024 * 1024;
/// The unit of `/proc/self/statm`. On systems with larger pages the limit becomes higher.
const PAGE_BYTES: u64 = 4096;

/// Limits this process irrevocably, its later threads included.
pub(super) fn confine(request: &WorkerRequest) -> io::Result<()> {
    // If memory is short, the kernel kills this process first. Not every system has the file.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    let stacks = ((request.threads + FILE_THREADS + OTHER_THREADS) * STACK_BYTES) as u64;
    let address_space =
        used_address_space() + stacks + request.memory_bytes as u64 + OVERHEAD_BYTES;
    let seconds = request.statement.time.as_secs() + 1;
    let cpu_seconds = seconds * (request.threads as u64 + 1);
    limit(Resource::AS, address_space)?;
    limit(Resource::CPU, cpu_seconds)?;
    limit(Resource::FSIZE, 0)?;
    limit(Resource::CORE, 0)?;
    limit(Resource::NOFILE, FILES_MAX)?;
    allow_snapshot_files_only(request)
}

/// Sets a hard limit, or keeps a lower one.
fn limit(resource: Resource, value: u64) -> io::Result<()> {
    let (_, hard) = resource.get()?;
    let value = value.min(hard);
    setrlimit(resource, value, value)
}

/// Bytes of address space that the program itself uses.
fn used_address_space() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    pages.unwrap_or(0) * PAGE_BYTES
}

/// Denies opening other files than the snapshot's, and connecting, as far as the kernel supports
/// it.
#[cfg(target_os = "linux")]
fn allow_snapshot_files_only(request: &WorkerRequest) -> io::Result<()> {
    use landlock::{
        ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
        RulesetAttr, RulesetCreatedAttr, Scope,
    };
    const NEWEST: ABI = ABI::V6;
    let failed =
        |error: &dyn std::fmt::Display| io::Error::other(format!("confine the statement: {error}"));
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(|rules| rules.scope(Scope::from_all(NEWEST)))
        .and_then(|rules| rules.create())
        .map_err(|error| failed(&error))?;
    for path in request.snapshot.paths() {
        let file = PathFd::new(path).map_err(|error| failed(&error))?;
        rules = rules
            .add_rule(PathBeneath::new(file, AccessFs::ReadFile))
            .map_err(|error| failed(&error))?;
    }
    rules.restrict_self().map_err(|error| failed(&error))?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn allow_snapshot_files_only(_request: &WorkerRequest) -> io::Result<()> {
    Ok(())
}
