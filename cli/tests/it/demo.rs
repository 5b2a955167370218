//! `mrrow demo`: the same bytes for the same arguments, records without a fault, every movement.

use std::path::Path;

use crate::run::Place;

const FILES: [&str; 3] = ["customers.ndjson", "plans.ndjson", "invoices.ndjson"];

fn read(place: &Place, dir: &str) -> [String; 3] {
    FILES.map(|name| std::fs::read_to_string(place.dir.path().join(dir).join(name)).unwrap())
}

fn demo(place: &Place, args: &[&str]) -> [String; 3] {
    place.ok(&[&["demo"], args].concat());
    read(place, args[0])
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = dir
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_same_arguments_write_the_same_bytes() {
    let place = Place::new();
    let once = demo(&place, &["one", "--customers", "50", "--seed", "7"]);
    assert_eq!(once, demo(&place, &["two", "--customers", "50", "--seed", "7"]));
    let other = demo(&place, &["three", "--customers", "50", "--seed", "8"]);
    assert!(once[0] != other[0] && once[1] == other[1] && once[2] != other[2]);
    assert_eq!(
        names(&place.dir.path().join("one")),
        ["customers.ndjson", "invoices.ndjson", "plans.ndjson"]
    );
    assert!(!place.dir.path().join("mrrow-data").exists(), "a demo needs no data directory");
}

#[test]
fn the_bytes_are_those_of_every_machine() {
    let place = Place::new();
    let [customers, plans, invoices] = demo(&place, &["demo"]);
    assert_eq!(
        customers.lines().last().unwrap(),
        r#"{"id":"cus_0001000","name":"Blåfjell Goods SAS","email":"finance@blafjell-goods-1000.example","created":"2025-12-31T16:13:41Z","country":"FR","trial_started":"2025-12-31T16:13:41Z","metadata":{"industry":"retail","size":"51-200"}}"#
    );
    assert_eq!(
        invoices.lines().last().unwrap(),
        r#"{"id":"in_000005747","customer_id":"cus_0000175","type":"subscription","invoice_date":"2025-12-31T19:25:02Z","amount":2100,"currency":"GBP","plan_id":"starter-monthly-gbp","subscription_id":"sub_0000175_1","period_start":"2025-12-31T19:25:02Z","period_end":"2026-01-31T19:25:02Z","quantity":3}"#
    );
    assert_eq!([customers, plans, invoices].map(|text| text.len()), [214550, 4773, 1681398]);
}

#[test]
fn every_company_is_imported_without_a_word_and_verified() {
    for [customers, months] in [["1", "1"], ["9", "60"], ["150", "13"]] {
        let place = Place::new();
        demo(&place, &["demo", "--customers", customers, "--months", months, "--until", "2024-02"]);
        let ran = place.run(&["import", "demo"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(!ran.err.contains("warning") && !ran.err.contains("ignored"), "{}", ran.err);
        assert!(
            ran.err.contains(&format!("customers: {customers} read, {customers} accepted")),
            "{}",
            ran.err
        );
        place.ok(&["verify"]);
    }
}

#[test]
fn a_company_shows_every_movement_and_grows() {
    let place = Place::new();
    demo(&place, &["demo", "--customers", "400"]);
    place.ok(&["import", "demo"]);
    let types = "select distinct type from movements order by type";
    let types = place.ok(&["sql", "--as-of", "2025-12-31", "-c", types, "--format", "csv"]);
    assert_eq!(types, "type\nchurn\ncontraction\nexpansion\nnew\nreactivation\n");
    let by_year = "select sum(amount) filter (where date < date '2025-01-01') * 2 < sum(amount) as doubles from movements";
    assert_eq!(place.ok(&["sql", "--as-of", "2025-12-31", "-c", by_year]), "{\"doubles\":true}\n");
    let kinds = "select count(distinct type) as types, count(distinct currency) as currencies,
        count(*) filter (where proration and amount < 0) > 0 as credits, sum(discount) > 0 as discounts from invoices";
    let kinds = place.ok(&["sql", "-c", kinds]);
    assert_eq!(kinds, "{\"types\":4,\"currencies\":3,\"credits\":true,\"discounts\":true}\n");
}

#[test]
fn invoices_come_in_the_order_of_their_dates_and_end_with_the_month() {
    let place = Place::new();
    let [_, _, invoices] =
        demo(&place, &["demo", "--customers", "100", "--months", "12", "--until", "2023-06"]);
    let dates: Vec<String> = invoices
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["invoice_date"].to_string()
        })
        .collect();
    assert!(dates.is_sorted());
    assert!(
        dates[0].starts_with("\"2022-07") && dates[dates.len() - 1].starts_with("\"2023-06"),
        "{dates:?}"
    );
}

#[test]
fn records_that_are_there_are_not_overwritten() {
    let place = Place::new();
    let before = demo(&place, &["demo", "--customers", "5"]);
    let refused = place.run(&["demo", "demo", "--customers", "6"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.err.contains("is there already") && refused.err.contains("--force"),
        "{}",
        refused.err
    );
    assert_eq!(read(&place, "demo"), before);
    assert_ne!(demo(&place, &["demo", "--customers", "6", "--force"]), before);

    place.file("demo/invoices.csv", "id\n");
    let mixed = place.run(&["demo", "demo", "--force"]);
    assert_eq!(mixed.code, 2, "{}", mixed.err);
    assert!(mixed.err.contains("invoices.csv"), "{}", mixed.err);
}

#[test]
fn wrong_arguments_are_exit_code_2() {
    let place = Place::new();
    for args in [
        vec![],
        vec!["d", "--customers", "0"],
        vec!["d", "--customers", "10000000"],
        vec!["d", "--months", "0"],
        vec!["d", "--months", "601"],
        vec!["d", "--until", "2025-13"],
        vec!["d", "--until", "2025-1"],
        vec!["d", "--until", "1969-12"],
        vec!["d", "--seed", "-1"],
    ] {
        assert_eq!(place.run(&[&["demo"], args.as_slice()].concat()).code, 2, "{args:?}");
    }
    assert_eq!(names(place.dir.path()), Vec::<String>::new());
}
