//! Full disk: the error names it, acknowledged records survive, and the next write succeeds.
//!
//! A limit on the file size simulates the full disk: a write beyond it fails.
#![cfg(unix)]

use std::process::Command;

use serde_json::Value;

use crate::server_process::ServerProcess;
use crate::test_dir::{CommandOutput, TestDir};

/// Runs a command whose files may not grow beyond a number of bytes.
fn run_limited(dir: &TestDir, bytes: u64, args: &[&str], input: &str) -> CommandOutput {
    dir.finish(&mut limited(dir, bytes, args), input.as_bytes())
}

fn limited(dir: &TestDir, bytes: u64, args: &[&str]) -> Command {
    // POSIX counts in blocks of 512 bytes. The signal is ignored, so that writes fail instead.
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", bytes.div_ceil(512));
    let mut command = Command::new("sh");
    command
        .args(["-c", &script, "sh", env!("CARGO_BIN_EXE_mrrow")])
        .args(args)
        .current_dir(dir.path());
    command.env_remove("MRROW_DATA").env("NO_COLOR", "1");
    command
}

/// Hexadecimal digits that do not compress, equal in each run.
fn noise_of(number: usize) -> String {
    let mut rng = fastrand::Rng::with_seed(number as u64);
    (0..8).map(|_| format!("{:016x}", rng.u64(..))).collect()
}

/// Customers that do not compress, so that their files have a known size.
fn noise(from: usize, to: usize) -> String {
    (from..to)
        .map(|number| format!("{{\"id\":\"c{number}\",\"name\":\"{}\"}}\n", noise_of(number)))
        .collect()
}

fn ids(dir: &TestDir) -> Vec<String> {
    let csv = dir.ok(&["sql", "--format", "csv", "-c", "select id from customers order by id"]);
    csv.lines().skip(1).map(str::to_string).collect()
}

/// The ids of the acknowledged rows.
fn acknowledged(out: &str) -> Vec<String> {
    let requests = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let rows = requests.flat_map(|request| request["result"].as_array().unwrap().clone());
    rows.map(|row| row["id"].as_str().unwrap().to_string()).collect()
}

fn check_after_full_disk(dir: &TestDir, before: &[String]) {
    assert_eq!(ids(dir), before);
    dir.ok(&["verify"]);
    let output = dir.run_with_input(&["push", "customers", "-"], noise(9_000, 9_001).as_bytes());
    assert_eq!(output.code, 0, "{}", output.err);
    dir.ok(&["delete", "customers", "c9000"]);
    assert_eq!(ids(dir), before);
    let status: Value = serde_json::from_str(&dir.ok(&["status", "--json"])).unwrap();
    let tables = dir.path().join("mrrow-data/data").read_dir().unwrap();
    let files: usize = tables.map(|table| table.unwrap().path().read_dir().unwrap().count()).sum();
    assert_eq!(status["files"], files);
    assert_eq!(status["waiting_rows"], 0);
}

#[test]
fn full_disk_refuses_pushes_and_keeps_acknowledged_ones() {
    for bytes in [100_000, 200_000] {
        let dir = TestDir::new();
        dir.import_sample();
        let before = ids(&dir);
        let output = run_limited(
            &dir,
            bytes,
            &["push", "customers", "-", "--batch", "50"],
            &noise(0, 2_000),
        );
        assert_eq!(output.code, 1, "{}", output.err);
        assert!(output.err.contains("disk"), "{}", output.err);
        let acknowledged = acknowledged(&output.out);
        assert!(!acknowledged.is_empty() && acknowledged.len() < 2_000, "{}", acknowledged.len());
        let mut expected = [before, acknowledged].concat();
        expected.sort();
        check_after_full_disk(&dir, &expected);
    }
}

#[test]
fn import_on_a_full_disk_stores_nothing() {
    let dir = TestDir::new();
    dir.import_sample();
    let before = ids(&dir);
    let file = dir.file("customers.ndjson", noise(0, 20_000));
    let output = run_limited(&dir, 100_000, &["import", file.to_str().unwrap()], "");
    assert_eq!(output.code, 1, "{}", output.err);
    assert!(output.err.contains("File too large"), "{}", output.err);
    check_after_full_disk(&dir, &before);
    dir.ok(&["import", file.to_str().unwrap()]);
    assert_eq!(ids(&dir).len(), before.len() + 20_000);
}

#[test]
fn failed_flush_keeps_acknowledged_rows_for_the_next_flush() {
    let dir = TestDir::new();
    let customers = dir.file("customers.ndjson", noise(0, 3_000));
    let row = |number| {
        let id = noise_of(number);
        format!(
            "{{\"id\":\"i{id}\",\"customer_id\":\"c{number}\",\"type\":\"subscription\",\
             \"invoice_date\":\"2024-01-01\",\"amount\":7,\"currency\":\"USD\",\
             \"plan_id\":\"p\"}}"
        )
    };
    let invoices = dir.file("invoices.ndjson", (0..3_000).map(row).collect::<Vec<_>>().join("\n"));
    let plan = |interval| {
        format!(
            r#"{{"id":"p","name":"P","interval":"{interval}","interval_count":1,"currency":"USD"}}"#
        )
    };
    let plans = dir.file("plans.ndjson", plan("month"));
    dir.ok(&[
        "import",
        customers.to_str().unwrap(),
        plans.to_str().unwrap(),
        invoices.to_str().unwrap(),
    ]);
    // The request with the plan is small. It changes all movements, and their file is too large.
    let output = run_limited(&dir, 70_000, &["push", "plans", "-"], &plan("year"));
    assert_eq!(output.code, 1, "{}", output.err);
    assert_eq!(acknowledged(&output.out), ["p"], "{}", output.err);
    assert!(output.err.contains("File too large"), "{}", output.err);
    let read =
        run_limited(&dir, 70_000, &["sql", "-c", "select p.interval as every from plans p"], "");
    assert_eq!((read.code, read.out.as_str()), (0, "{\"every\":\"month\"}\n"), "{}", read.err);
    assert_eq!(
        dir.ok(&["sql", "-c", "select p.interval as every from plans p"]),
        "{\"every\":\"year\"}\n"
    );
    check_after_full_disk(&dir, &ids(&dir));
}

#[test]
fn compaction_on_a_full_disk_changes_no_row() {
    let dir = TestDir::new();
    dir.import_sample();
    for from in [0, 400, 800] {
        let output = dir.run_with_input(
            &["push", "customers", "-", "--batch", "400"],
            noise(from, from + 400).as_bytes(),
        );
        assert_eq!(output.code, 0, "{}", output.err);
    }
    let before = ids(&dir);
    let output = run_limited(&dir, 70_000, &["compact"], "");
    assert_eq!(output.code, 1, "{}", output.err);
    assert!(output.err.contains("File too large"), "{}", output.err);
    check_after_full_disk(&dir, &before);
    dir.ok(&["compact"]);
    check_after_full_disk(&dir, &before);
}

#[test]
fn full_disk_refuses_an_upload_and_the_server_continues() {
    let dir = TestDir::new();
    let server =
        ServerProcess::run(&mut limited(&dir, 1_000_000, &["serve", "--listen", "127.0.0.1:0"]));
    server.request(201, "POST", "/v1/data-sources", r#"{"name":"Shop","id":"shop"}"#);
    let path = "/v1/data-sources/shop/imports?object=customers";
    let refused = server.request(503, "POST", path, &noise(0, 20_000));
    assert!(
        refused.contains("\"code\":\"disk_full\"") && refused.contains("retry-after: 60"),
        "{refused}"
    );
    let listed = server.request(200, "GET", "/v1/data-sources/shop/imports", "");
    assert!(
        listed.contains("\"state\":\"failed\"") && listed.contains("\"code\":\"disk_full\""),
        "{listed}"
    );
    server.request(202, "POST", path, &noise(0, 10));
    server.stop();
    assert_eq!(ids(&dir).len(), 10);
    assert_eq!(dir.path().join("mrrow-data/staging").read_dir().unwrap().count(), 0);
}
