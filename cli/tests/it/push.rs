//! Records change one by one: push, delete, and earlier snapshots.

use serde_json::{Value, json};

use crate::test_dir::TestDir;

/// The printed acknowledgements.
fn acknowledgements(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn statuses(acknowledgement: &Value) -> Vec<&str> {
    acknowledgement["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["status"].as_str().unwrap())
        .collect()
}

fn customers(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("{}\n", json!({"id": name.to_lowercase(), "name": name})))
        .collect()
}

#[test]
fn each_request_is_acknowledged_with_the_status_of_its_rows() {
    let dir = TestDir::new();
    let push = |input: &str| {
        let output =
            dir.run_with_input(&["push", "customers", "-", "--batch", "2"], input.as_bytes());
        assert_eq!(output.code, 0, "{}", output.err);
        acknowledgements(&output.out)
    };
    let first = push(&customers(&["A", "B", "C"]));
    assert_eq!(
        first.iter().map(statuses).collect::<Vec<_>>(),
        [vec!["created", "created"], vec!["created"]]
    );
    assert_eq!(first[0]["sequence"], 2);
    assert_eq!(first[1]["sequence"], 3);
    let again = push(&format!("{}{}", customers(&["A"]), json!({"id": "b", "name": "Bee"})));
    assert_eq!(statuses(&again[0]), ["unchanged", "updated"]);
    assert_eq!(
        dir.ok(&["sql", "-c", "select count(*) as n from customers where name = 'Bee'"]),
        "{\"n\":1}\n"
    );
    dir.ok(&["verify"]);
}

#[test]
fn request_with_a_rejected_row_stores_nothing_and_others_are_stored() {
    let dir = TestDir::new();
    let input = format!(
        "{}{{\"id\":\"d\"}}\n{{\"name\":\"E\"}}\n{}",
        customers(&["A", "B"]),
        customers(&["F", "G"])
    );
    let output = dir.run_with_input(&["push", "customers", "-", "--batch", "3"], input.as_bytes());
    assert_eq!(output.code, 3, "{}", output.err);
    let requests = acknowledgements(&output.out);
    let stored: Vec<_> =
        requests.iter().filter(|request| request["stored"] == true).flat_map(statuses).collect();
    let refused: Vec<_> = requests.iter().filter(|request| request["stored"] == false).collect();
    assert!(refused.iter().all(|request| request["result"] == json!([])), "{refused:?}");
    let names = dir.ok(&["sql", "-c", "select id from customers order by id"]);
    assert_eq!(names.lines().count(), stored.len());
    let lines: Vec<_> =
        requests.iter().filter_map(|request| request["rejections"].as_array()).flatten().collect();
    assert_eq!(lines.iter().map(|row| row["line"].as_i64().unwrap()).collect::<Vec<_>>(), [3, 4]);
    let skipped =
        dir.run_with_input(&["push", "customers", "-", "--on-error", "skip"], input.as_bytes());
    assert_eq!(skipped.code, 3);
    let names = dir.ok(&["sql", "-c", "select id from customers order by id"]);
    assert_eq!(names.lines().count(), 4);
}

#[test]
fn deleted_records_leave_the_numbers_but_not_earlier_snapshots() {
    let dir = TestDir::new();
    dir.import_sample();
    let of = |more: &[&str]| {
        let mut args = vec!["movements", "--customer", "northcove", "--as-of", "2025-07-01"];
        args.extend(more);
        dir.ok(&args)
    };
    let before = of(&[]);
    assert!(!before.is_empty());
    let snapshots = dir.ok(&["snapshots"]);
    let imported: Value = serde_json::from_str(snapshots.lines().next().unwrap()).unwrap();
    let at = imported["committed_at"].as_str().unwrap();

    let deleted = dir.ok(&["delete", "customers", "northcove"]);
    assert_eq!(statuses(&acknowledgements(&deleted)[0]), ["deleted"]);
    assert_eq!(of(&[]), "");
    assert_eq!(of(&["--known-at", at]), before);
    assert_eq!(of(&["--snapshot", "1"]), before);
    dir.ok(&["compact"]);
    assert_eq!(of(&["--known-at", at]), before);
    let missing = dir.run(&["delete", "customers", "northcove"]);
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("has no customers \"northcove\""), "{}", missing.err);

    let customer = r#"{"id":"northcove","name":"Northcove"}"#;
    dir.run_with_input(&["push", "customers", "-"], customer.as_bytes());
    assert_eq!(of(&[]), before);
    dir.ok(&["verify"]);
}

#[test]
fn unknown_snapshot_is_refused_with_the_nearest_ones() {
    let dir = TestDir::new();
    dir.import_sample();
    let output = dir.run(&["mrr", "--snapshot", "7"]);
    assert_eq!(output.code, 2);
    assert!(output.err.contains("snapshot 7 is not kept; near it are 1"), "{}", output.err);
    assert_eq!(dir.ok(&["movements", "--known-at", "2020-01-01T00:00:00Z"]), "");
    assert_eq!(dir.run(&["mrr", "--known-at", "2020-01-01"]).code, 2);
}

#[test]
fn status_shows_the_stored_tables() {
    let dir = TestDir::new();
    assert!(dir.ok(&["status"]).starts_with("the data directory is empty"));
    dir.import_sample();
    let status: Value = serde_json::from_str(&dir.ok(&["status", "--format", "json"])).unwrap();
    assert_eq!(status["snapshot"], 1);
    assert_eq!(status["waiting_rows"], 0);
    let rows = |table: &str| {
        let tables = status["tables"].as_array().unwrap();
        tables.iter().find(|row| row["name"] == table).unwrap()["rows"].clone()
    };
    assert_eq!(rows("customers"), 14);
    assert_eq!(rows("invoice_ids"), rows("invoices"));
    assert!(dir.ok(&["status"]).contains("writer: none"));
}
