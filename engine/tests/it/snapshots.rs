//! Snapshots: as_of, settings, the writer's lock, and the rest of an interrupted write.

use mrrow_engine::Error;
use mrrow_engine::import::{ImportOptions, Input};
use mrrow_engine::model::ObjectType;
use serde_json::{Value, json};

use crate::books::random_book;
use crate::interpreter::interpret;
use crate::ledger::{Ledger, as_of, open};

fn with(mut book: Value, field: &str, value: Value) -> Value {
    book[field] = value;
    book
}

#[tokio::test(flavor = "multi_thread")]
async fn another_as_of_equals_the_interpreter() {
    for seed in 500_000..500_012 {
        let book = random_book(seed);
        let ledger = Ledger::for_book(&book).await;
        ledger.import(&book).await;
        for days in [-400, -40, -15, -7, -1, 1, 6, 14, 35, 91, 900] {
            let day = as_of(&book) + chrono::Duration::days(days);
            let expected = interpret(&with(book.clone(), "as_of", json!(day.to_string())));
            assert_eq!(ledger.movements(Some(day)).await, expected, "book {seed} as of {day}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_setting_recomputes_every_customer() {
    for seed in 600_000..600_006 {
        let book = with(random_book(seed), "settings", json!({"timezone": "UTC"}));
        let ledger = Ledger::for_book(&book).await;
        ledger.import(&book).await;
        for (name, value) in
            [("grace_days", "never"), ("churn_recognition", "immediate"), ("prorations", "replace")]
        {
            ledger.engine.set_setting(name, value).await.unwrap();
            let expected = interpret(&with(book.clone(), "settings", json!({name: value})));
            assert_eq!(ledger.movements(None).await, expected, "book {seed} with {name} = {value}");
            ledger.verify().await;
            let default = mrrow_engine::model::Settings::default().get(name).unwrap();
            ledger.engine.set_setting(name, &default).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn grace_that_ends_overnight_shows_the_next_day() {
    let book: Value = serde_json::from_str(include_str!("../cases/T18.json")).unwrap();
    let ledger = Ledger::for_book(&book).await;
    ledger.import(&book).await;
    assert_eq!(ledger.movements(None).await, interpret(&book));
    ledger.engine.close().await.unwrap();
    let tomorrow = as_of(&book) + chrono::Duration::days(1);
    let engine = open(ledger.dir.path(), tomorrow).await;
    let ledger = Ledger { engine, dir: ledger.dir };
    let expected = interpret(&with(book, "as_of", json!(tomorrow.to_string())));
    assert_eq!(ledger.movements(None).await, expected);
    assert_eq!(expected.last().unwrap().kind, "churn");
}

#[tokio::test(flavor = "multi_thread")]
async fn second_writer_is_refused_with_the_process_id_of_the_first() {
    let today = "2024-03-01".parse().unwrap();
    let ledger = Ledger::open(today).await;
    ledger.import(&json!({"customers": [{"id": "a", "name": "A"}]})).await;
    let second = open(ledger.dir.path(), today).await;
    let input = || {
        vec![Input::bytes("b", Some(ObjectType::Customers), br#"{"id":"b","name":"B"}"#.to_vec())]
    };
    let refused = second.import(input(), &ImportOptions::default()).await;
    assert!(
        matches!(
            &refused,
            Err(Error::WriterBusy { pid, .. }) if *pid == std::process::id().to_string()
        ),
        "{refused:?}"
    );
    let seen = second.snapshot(None).await.unwrap();
    assert_eq!(seen.id(), 1);
    ledger.engine.close().await.unwrap();
    second.import(input(), &ImportOptions::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_an_interrupted_import_are_swept_and_never_read() {
    let today = "2024-03-01".parse().unwrap();
    let ledger = Ledger::open(today).await;
    ledger.import(&json!({"customers": [{"id": "a", "name": "A"}]})).await;
    let (path, data) = (ledger.dir.path().to_path_buf(), ledger.dir.path().join("data/customers"));
    ledger.engine.close().await.unwrap();
    std::fs::write(data.join("00000002-0-0.parquet"), b"half a file").unwrap();
    std::fs::write(data.join("00000002-1-0.parquet.tmp"), b"less").unwrap();
    std::fs::create_dir_all(path.join("staging/import-x")).unwrap();
    let ledger = Ledger { engine: open(&path, today).await, dir: ledger.dir };
    assert_eq!(ledger.sql("select id from customers").await, [["a"]]);
    ledger.import(&json!({"customers": [{"id": "b", "name": "B"}]})).await;
    assert_eq!(ledger.sql("select id from customers order by id").await, [["a"], ["b"]]);
    assert_eq!(data.read_dir().unwrap().count(), 2);
    assert_eq!(path.join("staging").read_dir().unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pinned_snapshot_does_not_see_later_writes() {
    let ledger = Ledger::open("2024-03-01".parse().unwrap()).await;
    ledger.import(&json!({"customers": [{"id": "a", "name": "A"}]})).await;
    let before = ledger.engine.snapshot(None).await.unwrap();
    ledger.import(&json!({"customers": [{"id": "b", "name": "B"}]})).await;
    let rows =
        crate::ledger::rows(before.sql("select count(*) from customers").await.unwrap()).await;
    assert_eq!(crate::ledger::texts(&rows), [["1"]]);
}
