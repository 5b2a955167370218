//! All worked examples (§7) against the interpreter.

use super::interpreter::{compute, ratio::decimal, records::Book};
use serde_json::Value;

#[test]
fn all_cases_have_their_movements() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/second_edition");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of cases is there")
        .map(|entry| entry.expect("the entry is readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    let mut failures = 0;
    for path in &paths {
        let text = std::fs::read_to_string(path).expect("the case is readable");
        let case: Value = serde_json::from_str(&text).expect("the case is JSON");
        let book = Book::from_json(&case).expect("the case is a book");
        let mut found: Vec<String> = compute(&book)
            .iter()
            .map(|row| {
                let (change, after) = (decimal(row.mrr_change), decimal(row.mrr_after));
                let name = row.movement_type.name();
                format!("{} {} {} {name} {change} {after}", row.date, row.customer_id, row.currency)
            })
            .collect();
        let expected = case["expected_movements"].as_array().expect("a case expects movements");
        let mut expected: Vec<String> = expected
            .iter()
            .map(|row| {
                ["date", "customer_id", "currency", "type", "amount", "mrr_after"]
                    .map(|name| row[name].as_str().expect("a value is a text"))
                    .join(" ")
            })
            .collect();
        found.sort();
        expected.sort();
        if found != expected {
            failures += 1;
            println!("{}: {}", case["id"], case["description"]);
            println!("  expected {expected:#?}\n  found {found:#?}");
        }
    }
    println!("{} of {} cases pass", paths.len() - failures, paths.len());
    assert_eq!(failures, 0);
}
