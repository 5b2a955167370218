//! The worked examples of `cases/`: each must give its expected movements, by one import and by
//! shuffled ones.

use std::path::Path;

use serde_json::Value;

use crate::books::chance::Chance;
use crate::interpreter::{Movement, interpret};
use crate::ledger::Ledger;
use crate::random_books::pieces_of;

pub(crate) fn all() -> Vec<Value> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths: Vec<_> = dir.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths
        .iter()
        .map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
        .collect()
}

pub(crate) fn expected(case: &Value) -> Vec<Movement> {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_string();
    let as_of = case["as_of"].as_str().unwrap();
    let mut rows: Vec<Movement> = case["expected_movements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| Movement {
            date: text(row, "date"),
            customer_id: text(row, "customer_id"),
            currency: text(row, "currency"),
            kind: text(row, "type"),
            amount: text(row, "amount"),
            mrr_after: text(row, "mrr_after"),
            scheduled: row["date"].as_str().unwrap() > as_of,
        })
        .collect();
    rows.sort();
    rows
}

#[test]
fn interpreter_gives_the_expected_movements() {
    let cases = all();
    assert!(cases.len() >= 96, "only {} cases", cases.len());
    for case in cases {
        assert_eq!(interpret(&case), expected(&case), "{}", case["id"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_import_gives_the_expected_movements() {
    for case in all() {
        let ledger = Ledger::for_book(&case).await;
        ledger.import(&case).await;
        assert_eq!(ledger.movements(None).await, expected(&case), "{}", case["id"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shuffled_imports_in_pieces_give_the_expected_movements() {
    let mut chance = Chance::new(7);
    for case in all() {
        let ledger = Ledger::for_book(&case).await;
        for piece in pieces_of(&case, 3, &mut chance) {
            ledger.import(&piece).await;
        }
        assert_eq!(ledger.movements(None).await, expected(&case), "{}", case["id"]);
        ledger.verify().await;
    }
}
