//! A child gives up, before it reads a statement, whatever the statement has no need for.

use std::fs;
use std::io;

use rlimit::{Resource, setrlimit};

use super::wire::Job;

/// Stacks of the child's threads: the longest statement that is allowed fits, what is built out of
/// it may not.
pub(super) const STACK_BYTES: usize = 64 * 1024 * 1024;
/// Threads that wait for files.
pub(super) const FILE_THREADS: usize = 4;
/// Threads that are there besides: the first one, the one that watches, the one that plans.
const OTHER_THREADS: usize = 3;
/// Files that are open at once.
const FILES_MAX: u64 = 1024;
/// Memory besides the statement's: allocators' arenas, plans, files that are mapped.
const OVERHEAD_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of a page, for `/proc/self/statm`; where pages are larger, the limit is higher.
const PAGE_BYTES: u64 = 4096;

/// Limits what this process can do, for good. Its threads that begin later are limited too.
pub(super) fn confine(job: &Job) -> io::Result<()> {
    // Where memory is short, this one goes first. Not every system has it.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    let stacks = ((job.threads + FILE_THREADS + OTHER_THREADS) * STACK_BYTES) as u64;
    let address_space = address_space() + stacks + job.memory_bytes as u64 + OVERHEAD_BYTES;
    let seconds = job.statement.time.as_secs() + 1;
    let cpu = seconds * (job.threads as u64 + 1);
    limit(Resource::AS, address_space)?;
    limit(Resource::CPU, cpu)?;
    limit(Resource::FSIZE, 0)?;
    limit(Resource::CORE, 0)?;
    limit(Resource::NOFILE, FILES_MAX)?;
    only_these_files(job)
}

/// Sets a limit that cannot be raised again; one that is lower already stays.
fn limit(resource: Resource, value: u64) -> io::Result<()> {
    let (_, hard) = resource.get()?;
    let value = value.min(hard);
    setrlimit(resource, value, value)
}

/// Bytes of the address space that are taken already: the program itself.
fn address_space() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    pages.unwrap_or(0) * PAGE_BYTES
}

/// From here on the files of the snapshot can be read, and nothing else be opened or connected to;
/// as far as the kernel can do that.
#[cfg(target_os = "linux")]
fn only_these_files(job: &Job) -> io::Result<()> {
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
    for path in job.snapshot.paths() {
        let file = PathFd::new(path).map_err(|error| failed(&error))?;
        rules = rules
            .add_rule(PathBeneath::new(file, AccessFs::ReadFile))
            .map_err(|error| failed(&error))?;
    }
    rules.restrict_self().map_err(|error| failed(&error))?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn only_these_files(_job: &Job) -> io::Result<()> {
    Ok(())
}
