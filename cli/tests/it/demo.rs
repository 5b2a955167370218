//! `mrrow demo`: equal bytes for equal arguments, valid records, and every type of movement.

use std::path::Path;

use crate::test_dir::TestDir;

const FILES: [&str; 3] = ["customers.ndjson", "plans.ndjson", "invoices.ndjson"];

fn read(dir: &TestDir, demo: &str) -> [String; 3] {
    FILES.map(|name| std::fs::read_to_string(dir.path().join(demo).join(name)).unwrap())
}

fn demo(dir: &TestDir, args: &[&str]) -> [String; 3] {
    dir.ok(&[&["demo"], args].concat());
    read(dir, args[0])
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
fn equal_arguments_write_equal_bytes() {
    let dir = TestDir::new();
    let once = demo(&dir, &["one", "--customers", "50", "--seed", "7"]);
    assert_eq!(once, demo(&dir, &["two", "--customers", "50", "--seed", "7"]));
    let other = demo(&dir, &["three", "--customers", "50", "--seed", "8"]);
    assert!(once[0] != other[0] && once[1] == other[1] && once[2] != other[2]);
    assert_eq!(
        names(&dir.path().join("one")),
        ["customers.ndjson", "invoices.ndjson", "plans.ndjson"]
    );
    assert!(!dir.path().join("mrrow-data").exists(), "the demo created a data directory");
}

#[test]
fn bytes_are_equal_on_every_machine() {
    let dir = TestDir::new();
    let [customers, plans, invoices] = demo(&dir, &["demo"]);
    assert_eq!(
        customers.lines().last().unwrap(),
        "{\"id\":\"cus_0001000\",\"name\":\"Blåfjell Goods SAS\",\
         \"email\":\"finance@blafjell-goods-1000.example\",\"created\":\"2025-12-31T16:13:41Z\",\
         \"country\":\"FR\",\"trial_started\":\"2025-12-31T16:13:41Z\",\
         \"metadata\":{\"industry\":\"retail\",\"size\":\"51-200\"}}"
    );
    assert_eq!(
        invoices.lines().last().unwrap(),
        "{\"id\":\"in_000005747\",\"customer_id\":\"cus_0000175\",\"type\":\"subscription\",\
         \"invoice_date\":\"2025-12-31T19:25:02Z\",\"amount\":2100,\"currency\":\"GBP\",\
         \"plan_id\":\"starter-monthly-gbp\",\"subscription_id\":\"sub_0000175_1\",\
         \"period_start\":\"2025-12-31T19:25:02Z\",\"period_end\":\"2026-01-31T19:25:02Z\",\
         \"quantity\":3}"
    );
    assert_eq!([customers, plans, invoices].map(|text| text.len()), [214550, 4773, 1681398]);
}

#[test]
fn every_company_is_imported_without_warnings_and_verified() {
    for [customers, months] in [["1", "1"], ["9", "60"], ["150", "13"]] {
        let dir = TestDir::new();
        demo(&dir, &["demo", "--customers", customers, "--months", months, "--until", "2024-02"]);
        let output = dir.run(&["import", "demo"]);
        assert_eq!(output.code, 0, "{}", output.err);
        assert!(
            !output.err.contains("warning") && !output.err.contains("ignored"),
            "{}",
            output.err
        );
        assert!(
            output.err.contains(&format!("customers: {customers} read, {customers} accepted")),
            "{}",
            output.err
        );
        dir.ok(&["verify"]);
    }
}

#[test]
fn company_has_every_type_of_movement_and_grows() {
    let dir = TestDir::new();
    demo(&dir, &["demo", "--customers", "400"]);
    dir.ok(&["import", "demo"]);
    let types = "select distinct type from movements order by type";
    let types = dir.ok(&["sql", "--as-of", "2025-12-31", "-c", types, "--format", "csv"]);
    assert_eq!(types, "type\nchurn\ncontraction\nexpansion\nnew\nreactivation\n");
    let by_year = "select sum(amount) filter (where date < date '2025-01-01') * 2 < sum(amount) \
         as doubles from movements";
    assert_eq!(dir.ok(&["sql", "--as-of", "2025-12-31", "-c", by_year]), "{\"doubles\":true}\n");
    let kinds = "select count(distinct type) as types, count(distinct currency) as currencies,\
         \n        count(*) filter (where proration and amount < 0) > 0 as credits, \
         sum(discount) > 0 as discounts from invoices";
    let kinds = dir.ok(&["sql", "-c", kinds]);
    assert_eq!(kinds, "{\"types\":4,\"currencies\":3,\"credits\":true,\"discounts\":true}\n");
}

#[test]
fn invoices_are_in_order_of_date_and_end_with_the_month() {
    let dir = TestDir::new();
    let [_, _, invoices] =
        demo(&dir, &["demo", "--customers", "100", "--months", "12", "--until", "2023-06"]);
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
fn existing_records_are_not_overwritten() {
    let dir = TestDir::new();
    let before = demo(&dir, &["demo", "--customers", "5"]);
    let refused = dir.run(&["demo", "demo", "--customers", "6"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.err.contains("already exists") && refused.err.contains("--force"),
        "{}",
        refused.err
    );
    assert_eq!(read(&dir, "demo"), before);
    assert_ne!(demo(&dir, &["demo", "--customers", "6", "--force"]), before);

    dir.file("demo/invoices.csv", "id\n");
    let mixed = dir.run(&["demo", "demo", "--force"]);
    assert_eq!(mixed.code, 2, "{}", mixed.err);
    assert!(mixed.err.contains("invoices.csv"), "{}", mixed.err);
}

#[test]
fn wrong_arguments_are_exit_code_2() {
    let dir = TestDir::new();
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
        assert_eq!(dir.run(&[&["demo"], args.as_slice()].concat()).code, 2, "{args:?}");
    }
    assert_eq!(names(dir.path()), Vec::<String>::new());
}
