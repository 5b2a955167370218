//! The worker process that runs statements.

use std::process::Command;
use std::thread;

use serde_json::json;

use super::{ENDLESS, SqlServer};
use crate::wait::wait_for;

/// Processor time of a process in clock ticks, usually of 10 ms.
fn processor_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    // The fields utime and stime.
    after_name.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

/// Waits until a child of the server is confined and computes, and returns its id.
fn wait_for_busy_worker(server: &SqlServer) -> u32 {
    // More than a worker needs to start.
    const BUSY_TICKS: u64 = 30;
    let is_busy = |pid: &u32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.contains("NoNewPrivs:\t1") && processor_ticks(*pid) > BUSY_TICKS
    };
    wait_for("a worker runs the statement", || server.children().into_iter().find(is_busy))
}

#[cfg(target_os = "linux")]
#[test]
fn killed_worker_is_reported_and_replaced() {
    let server = SqlServer::start();
    server.assert_responsive();
    let response = thread::scope(|scope| {
        let request =
            scope.spawn(|| server.post_sql("", json!({"sql": ENDLESS, "timeout_ms": 30_000})));
        let worker = wait_for_busy_worker(&server).to_string();
        assert!(Command::new("kill").args(["-9", &worker]).status().unwrap().success());
        request.join().unwrap()
    });
    assert_eq!(response.code(), (413, "sql_limit".to_string()));
    server.assert_responsive();
}

#[cfg(target_os = "linux")]
#[test]
fn worker_is_confined_and_ends_with_its_server() {
    let mut server = SqlServer::start();
    server.assert_responsive();
    let read =
        |pid: u32, file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let text = |pid, file: &str| String::from_utf8_lossy(&read(pid, file)).into_owned();
    let (limits, environment) = thread::scope(|scope| {
        let request =
            scope.spawn(|| server.post_sql("", json!({"sql": ENDLESS, "timeout_ms": 8_000})));
        let worker = wait_for_busy_worker(&server);
        let confinement = (text(worker, "limits"), text(worker, "environ"));
        assert_eq!(request.join().unwrap().status, 408);
        confinement
    });
    for limit in [
        "Max file size             0 ",
        "Max core file size        0 ",
        "Max open files            1024 ",
    ] {
        assert!(limits.contains(limit), "{limit}: {limits}");
    }
    for unlimited in ["Max address space         unlimited", "Max cpu time              unlimited"]
    {
        assert!(!limits.contains(unlimited), "{limits}");
    }
    assert_eq!(environment, "MALLOC_ARENA_MAX=2\0MIMALLOC_ARENA_RESERVE=65536\0");
    let children = server.children();
    server.process.kill();
    wait_for("no child outlives its server", || {
        children.iter().all(|child| read(*child, "cmdline").is_empty()).then_some(())
    });
}
