//! The disk takes no more: the error says so, nothing acknowledged is lost, and everything works
//! again afterwards.
//!
//! A limit on the size of files stands for the full disk: a write past it fails.
#![cfg(unix)]

use std::process::Command;

use serde_json::Value;

use crate::run::{Place, Ran};
use crate::served::Served;

/// Runs a command none of whose files may grow past so many bytes.
fn run_limited(place: &Place, bytes: u64, args: &[&str], input: &str) -> Ran {
    place.finish(&mut limited(place, bytes, args), input.as_bytes())
}

fn limited(place: &Place, bytes: u64, args: &[&str]) -> Command {
    // POSIX counts in blocks of 512 bytes; the signal is ignored so that writes fail instead.
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", bytes.div_ceil(512));
    let mut command = Command::new("sh");
    command
        .args(["-c", &script, "sh", env!("CARGO_BIN_EXE_mrrow")])
        .args(args)
        .current_dir(place.dir.path());
    command.env_remove("MRROW_DATA").env("NO_COLOR", "1");
    command
}

/// Hexadecimal digits that do not compress, and are the same in each run.
fn noise_of(number: usize) -> String {
    let mut chance = fastrand::Rng::with_seed(number as u64);
    (0..8).map(|_| format!("{:016x}", chance.u64(..))).collect()
}

/// Customers whose files are about as large as they.
fn noise(from: usize, to: usize) -> String {
    (from..to)
        .map(|number| format!("{{\"id\":\"c{number}\",\"name\":\"{}\"}}\n", noise_of(number)))
        .collect()
}

fn ids(place: &Place) -> Vec<String> {
    let csv = place.ok(&["sql", "--format", "csv", "-c", "select id from customers order by id"]);
    csv.lines().skip(1).map(str::to_string).collect()
}

/// The ids of the rows that were acknowledged.
fn acknowledged(out: &str) -> Vec<String> {
    let requests = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let rows = requests.flat_map(|request| request["result"].as_array().unwrap().clone());
    rows.map(|row| row["id"].as_str().unwrap().to_string()).collect()
}

fn is_as_before(place: &Place, before: &[String]) {
    assert_eq!(ids(place), before);
    place.ok(&["verify"]);
    let ran = place.run_with_input(&["push", "customers", "-"], noise(9_000, 9_001).as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.err);
    place.ok(&["delete", "customers", "c9000"]);
    assert_eq!(ids(place), before);
    let status: Value = serde_json::from_str(&place.ok(&["status", "--json"])).unwrap();
    let tables = place.dir.path().join("mrrow-data/data").read_dir().unwrap();
    let files: usize = tables.map(|table| table.unwrap().path().read_dir().unwrap().count()).sum();
    assert_eq!(status["files"], files);
    assert_eq!(status["waiting_rows"], 0);
}

#[test]
fn pushes_on_a_full_disk_are_refused_and_those_acknowledged_stay() {
    for bytes in [100_000, 200_000] {
        let place = Place::new();
        place.import_sample();
        let before = ids(&place);
        let ran = run_limited(
            &place,
            bytes,
            &["push", "customers", "-", "--batch", "50"],
            &noise(0, 2_000),
        );
        assert_eq!(ran.code, 1, "{}", ran.err);
        assert!(ran.err.contains("disk"), "{}", ran.err);
        let acknowledged = acknowledged(&ran.out);
        assert!(!acknowledged.is_empty() && acknowledged.len() < 2_000, "{}", acknowledged.len());
        let mut expected = [before, acknowledged].concat();
        expected.sort();
        is_as_before(&place, &expected);
    }
}

#[test]
fn an_import_on_a_full_disk_stores_nothing() {
    let place = Place::new();
    place.import_sample();
    let before = ids(&place);
    let file = place.file("customers.ndjson", noise(0, 20_000));
    let ran = run_limited(&place, 100_000, &["import", file.to_str().unwrap()], "");
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("File too large"), "{}", ran.err);
    is_as_before(&place, &before);
    place.ok(&["import", file.to_str().unwrap()]);
    assert_eq!(ids(&place).len(), before.len() + 20_000);
}

#[test]
fn a_flush_on_a_full_disk_keeps_what_was_acknowledged_for_the_next_one() {
    let place = Place::new();
    let people = place.file("customers.ndjson", noise(0, 3_000));
    let row = |number| {
        let id = noise_of(number);
        format!(
            r#"{{"id":"i{id}","customer_id":"c{number}","type":"subscription","invoice_date":"2024-01-01","amount":7,"currency":"USD","plan_id":"p"}}"#
        )
    };
    let invoices =
        place.file("invoices.ndjson", (0..3_000).map(row).collect::<Vec<_>>().join("\n"));
    let plan = |interval| {
        format!(
            r#"{{"id":"p","name":"P","interval":"{interval}","interval_count":1,"currency":"USD"}}"#
        )
    };
    let plans = place.file("plans.ndjson", plan("month"));
    place.ok(&[
        "import",
        people.to_str().unwrap(),
        plans.to_str().unwrap(),
        invoices.to_str().unwrap(),
    ]);
    // The plan is a small request. All movements follow from it, and their file is too large.
    let ran = run_limited(&place, 70_000, &["push", "plans", "-"], &plan("year"));
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert_eq!(acknowledged(&ran.out), ["p"], "{}", ran.err);
    assert!(ran.err.contains("File too large"), "{}", ran.err);
    let read =
        run_limited(&place, 70_000, &["sql", "-c", "select p.interval as every from plans p"], "");
    assert_eq!((read.code, read.out.as_str()), (0, "{\"every\":\"month\"}\n"), "{}", read.err);
    assert_eq!(
        place.ok(&["sql", "-c", "select p.interval as every from plans p"]),
        "{\"every\":\"year\"}\n"
    );
    is_as_before(&place, &ids(&place));
}

#[test]
fn a_compaction_on_a_full_disk_changes_nothing() {
    let place = Place::new();
    place.import_sample();
    for from in [0, 400, 800] {
        let ran = place.run_with_input(
            &["push", "customers", "-", "--batch", "400"],
            noise(from, from + 400).as_bytes(),
        );
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    let before = ids(&place);
    let ran = run_limited(&place, 70_000, &["compact"], "");
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("File too large"), "{}", ran.err);
    is_as_before(&place, &before);
    place.ok(&["compact"]);
    is_as_before(&place, &before);
}

#[test]
fn an_upload_to_a_full_disk_is_refused_and_the_server_goes_on() {
    let place = Place::new();
    let server =
        Served::run(&mut limited(&place, 1_000_000, &["serve", "--listen", "127.0.0.1:0"]));
    server.ask(201, "POST", "/v1/data-sources", r#"{"name":"Shop","id":"shop"}"#);
    let path = "/v1/data-sources/shop/imports?object=customers";
    let refused = server.ask(503, "POST", path, &noise(0, 20_000));
    assert!(
        refused.contains("\"code\":\"disk_full\"") && refused.contains("retry-after: 60"),
        "{refused}"
    );
    let listed = server.ask(200, "GET", "/v1/data-sources/shop/imports", "");
    assert!(
        listed.contains("\"state\":\"failed\"") && listed.contains("\"code\":\"disk_full\""),
        "{listed}"
    );
    server.ask(202, "POST", path, &noise(0, 10));
    server.stop();
    assert_eq!(ids(&place).len(), 10);
    assert_eq!(place.dir.path().join("mrrow-data/staging").read_dir().unwrap().count(), 0);
}
