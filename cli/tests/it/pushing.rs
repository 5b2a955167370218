//! Records change one by one: push, delete, and what was known before.

use serde_json::{Value, json};

use crate::run::Place;

/// The acknowledgements that were printed.
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
fn each_request_is_acknowledged_with_what_became_of_its_rows() {
    let place = Place::new();
    let push = |input: &str| {
        let ran =
            place.run_with_input(&["push", "customers", "-", "--batch", "2"], input.as_bytes());
        assert_eq!(ran.code, 0, "{}", ran.err);
        acknowledgements(&ran.out)
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
        place.ok(&["sql", "-c", "select count(*) as n from customers where name = 'Bee'"]),
        "{\"n\":1}\n"
    );
    place.ok(&["verify"]);
}

#[test]
fn a_request_with_a_refused_row_stores_nothing_and_the_others_are_stored() {
    let place = Place::new();
    let input = format!(
        "{}{{\"id\":\"d\"}}\n{{\"name\":\"E\"}}\n{}",
        customers(&["A", "B"]),
        customers(&["F", "G"])
    );
    let ran = place.run_with_input(&["push", "customers", "-", "--batch", "3"], input.as_bytes());
    assert_eq!(ran.code, 3, "{}", ran.err);
    let told = acknowledgements(&ran.out);
    let stored: Vec<_> =
        told.iter().filter(|told| told["stored"] == true).flat_map(statuses).collect();
    let refused: Vec<_> = told.iter().filter(|told| told["stored"] == false).collect();
    assert!(refused.iter().all(|told| told["result"] == json!([])), "{refused:?}");
    let names = place.ok(&["sql", "-c", "select id from customers order by id"]);
    assert_eq!(names.lines().count(), stored.len());
    let lines: Vec<_> =
        told.iter().filter_map(|told| told["rejections"].as_array()).flatten().collect();
    assert_eq!(lines.iter().map(|row| row["line"].as_i64().unwrap()).collect::<Vec<_>>(), [3, 4]);
    let skipped =
        place.run_with_input(&["push", "customers", "-", "--on-error", "skip"], input.as_bytes());
    assert_eq!(skipped.code, 3);
    let names = place.ok(&["sql", "-c", "select id from customers order by id"]);
    assert_eq!(names.lines().count(), 4);
}

#[test]
fn what_is_deleted_leaves_the_numbers_and_stays_known() {
    let place = Place::new();
    place.import_sample();
    let of = |more: &[&str]| {
        let mut args = vec!["movements", "--customer", "northcove", "--as-of", "2025-07-01"];
        args.extend(more);
        place.ok(&args)
    };
    let before = of(&[]);
    assert!(!before.is_empty());
    let snapshots = place.ok(&["snapshots"]);
    let imported: Value = serde_json::from_str(snapshots.lines().next().unwrap()).unwrap();
    let at = imported["committed_at"].as_str().unwrap();

    let deleted = place.ok(&["delete", "customers", "northcove"]);
    assert_eq!(statuses(&acknowledgements(&deleted)[0]), ["deleted"]);
    assert_eq!(of(&[]), "");
    assert_eq!(of(&["--known-at", at]), before);
    assert_eq!(of(&["--snapshot", "1"]), before);
    place.ok(&["compact"]);
    assert_eq!(of(&["--known-at", at]), before);
    let missing = place.run(&["delete", "customers", "northcove"]);
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("has no customers \"northcove\""), "{}", missing.err);

    let customer = r#"{"id":"northcove","name":"Northcove"}"#;
    place.run_with_input(&["push", "customers", "-"], customer.as_bytes());
    assert_eq!(of(&[]), before);
    place.ok(&["verify"]);
}

#[test]
fn a_moment_that_is_not_kept_is_told() {
    let place = Place::new();
    place.import_sample();
    let ran = place.run(&["mrr", "--snapshot", "7"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("snapshot 7 is not kept; near it are 1"), "{}", ran.err);
    assert_eq!(place.ok(&["movements", "--known-at", "2020-01-01T00:00:00Z"]), "");
    assert_eq!(place.run(&["mrr", "--known-at", "2020-01-01"]).code, 2);
}

#[test]
fn the_status_tells_what_is_stored() {
    let place = Place::new();
    assert!(place.ok(&["status"]).starts_with("nothing is stored yet"));
    place.import_sample();
    let status: Value = serde_json::from_str(&place.ok(&["status", "--format", "json"])).unwrap();
    assert_eq!(status["snapshot"], 1);
    assert_eq!(status["waiting_rows"], 0);
    let rows = |table: &str| {
        let tables = status["tables"].as_array().unwrap();
        tables.iter().find(|row| row["name"] == table).unwrap()["rows"].clone()
    };
    assert_eq!(rows("customers"), 14);
    assert_eq!(rows("invoice_ids"), rows("invoices"));
    assert!(place.ok(&["status"]).contains("nobody writes"));
}
