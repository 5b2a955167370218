//! Damage to a data directory: odd names, foreign files, a lost catalog, a missing file, records
//! that cannot be computed.

use std::path::Path;

use mrrow_engine::import::{ImportOptions, Input};
use mrrow_engine::model::ObjectType;
use mrrow_engine::{Config, Engine, Error};
use serde_json::{Value, json};

use crate::books::random_book;
use crate::interpreter::interpret;
use crate::ledger::{Ledger, open};

fn book() -> Value {
    serde_json::from_str(include_str!("../cases/D30.json")).unwrap()
}

async fn try_open(dir: &Path) -> Result<Engine, Error> {
    Engine::open(Config::new(dir, std::sync::Arc::new(chrono::Utc::now))).await
}

fn only_file_of(ledger: &Ledger, table: &str) -> std::path::PathBuf {
    let mut files = ledger.dir.path().join("data").join(table).read_dir().unwrap();
    files.next().unwrap().unwrap().path()
}

#[tokio::test(flavor = "multi_thread")]
async fn directory_may_have_any_name() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a b", "a*b", "a?b", "b[1]", "100%", "é#x"] {
        let path = dir.path().join(name).join("data");
        let engine = open(&path, "2024-03-01".parse().unwrap()).await;
        let input = Input::bytes("book", None, book().to_string().into_bytes());
        let summary = engine.import(vec![input], &ImportOptions::default()).await.unwrap();
        assert_eq!(summary.total().created, summary.total().read, "{name}");
        assert!(engine.verify().await.unwrap().holds(), "{name}");
        engine.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn directory_with_a_line_break_in_its_name_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(try_open(&dir.path().join("new\nline")).await, Err(Error::Argument(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn directory_with_other_content_is_refused_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    for file in ["staging/precious/a", "data/invoices/2024.csv", "notes.txt"] {
        let root = dir.path().join(file.replace('/', "-"));
        let path = root.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "mine").unwrap();
        let refused = try_open(&root).await;
        assert!(matches!(refused, Err(Error::Argument(_))), "{file}");
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sweep_keeps_foreign_files() {
    let ledger = Ledger::for_book(&book()).await;
    ledger.import(&book()).await;
    let foreign = ["data/invoices/2024.csv", "data/invoices/dir/x.parquet", "staging/notes"];
    for file in foreign {
        let path = ledger.dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "mine").unwrap();
    }
    ledger.import(&json!({"customers": [{"id": "new", "name": "New"}]})).await;
    for file in foreign {
        assert!(ledger.dir.path().join(file).exists(), "{file}");
    }
    ledger.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_or_older_catalog_deletes_no_file() {
    let ledger = Ledger::for_book(&book()).await;
    ledger.import(&book()).await;
    let (dir, file) = (ledger.dir.path().to_path_buf(), only_file_of(&ledger, "invoices"));
    ledger.engine.close().await.unwrap();
    let catalog = dir.join("catalog.db");
    let kept = std::fs::read(&catalog).unwrap();
    std::fs::remove_file(&catalog).unwrap();
    assert!(matches!(try_open(&dir).await, Err(Error::Argument(_))));
    assert!(file.exists());

    // A catalog from before several snapshots, as a backup may hold.
    let later = dir.join("data/invoices/00000009-0-0.parquet");
    std::fs::copy(&file, &later).unwrap();
    std::fs::write(&catalog, kept).unwrap();
    let ledger =
        Ledger { engine: open(&dir, "2024-03-01".parse().unwrap()).await, dir: ledger.dir };
    let input = Input::bytes("c", None, br#"{"customers":[{"id":"n","name":"N"}]}"#.to_vec());
    let refused = ledger.engine.import(vec![input], &ImportOptions::default()).await;
    assert!(matches!(refused, Err(Error::Damaged(_))), "{refused:?}");
    assert!(later.exists() && file.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_or_shortened_file_is_reported() {
    for table in ["invoices", "movements", "refreshes"] {
        let ledger = Ledger::for_book(&book()).await;
        ledger.import(&book()).await;
        let file = only_file_of(&ledger, table);
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
        assert!(matches!(ledger.engine.snapshot(None).await, Err(Error::Damaged(_))), "{table}");
        std::fs::remove_file(&file).unwrap();
        assert!(matches!(ledger.engine.verify().await, Err(Error::Damaged(_))), "{table}");
    }
}

/// Three customers. One has a refund that its tiny invoice makes larger than the largest rate.
fn book_with_poison() -> Value {
    let mut book = book();
    let mut invoices = book["invoices"].as_array().unwrap().clone();
    for id in ["a", "poison", "z"] {
        book["customers"].as_array_mut().unwrap().push(json!({"id": id, "name": id}));
        invoices.push(json!({
            "id": format!("inv-{id}"), "customer_id": id, "type": "subscription",
            "invoice_date": "2024-01-01", "amount": 1,
            "discount": if id == "poison" { 10_000_000_000_000_i64 } else { 0 }, "currency": "USD",
            "plan_id": book["plans"][0]["id"],
        }));
    }
    invoices.push(json!({
        "id": "refund", "customer_id": "poison", "type": "refund", "invoice_date": "2024-01-05",
        "amount": 10_000_000_000_000_i64, "currency": "USD",
    }));
    book["invoices"] = Value::Array(invoices);
    book["settings"]["discounts"] = json!("gross");
    book
}

#[tokio::test(flavor = "multi_thread")]
async fn import_names_a_customer_that_cannot_be_computed_and_stores_nothing() {
    let book = book_with_poison();
    let ledger = Ledger::for_book(&book).await;
    let input = Input::bytes("book", None, book.to_string().into_bytes());
    let refused = ledger.engine.import(vec![input], &ImportOptions::default()).await;
    let Err(Error::Customer { customer_id, reason, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(customer_id, "poison");
    assert!(reason.contains("24 digits"), "{reason}");
    assert_eq!(ledger.sql("select count(*) from invoices").await, [["0"]]);
    let left = ledger.dir.path().join("data/movements").read_dir().unwrap().count();
    assert_eq!(left, 0, "files of the failed refresh");
}

#[tokio::test(flavor = "multi_thread")]
async fn pushed_customer_that_cannot_be_computed_does_not_block_others() {
    let mut book = book_with_poison();
    let ledger = Ledger::for_book(&book).await;
    ledger.push_book(&book).await;
    ledger.engine.flush().await.unwrap();
    ledger.verify().await;
    let others = "select distinct customer_id from mrr_lines \
                  where customer_id in ('a', 'poison', 'z') order by 1";
    assert_eq!(ledger.sql(others).await, [["a"], ["z"]]);
    let warnings = ledger.engine.status().await.unwrap().warnings;
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("\"poison\"") && warning.contains("24 digits")),
        "{warnings:?}"
    );
    // An import of other customers succeeds, and a correction repairs this one.
    ledger.import(&json!({"customers": [{"id": "b", "name": "B"}]})).await;
    ledger.engine.delete("default", ObjectType::Invoices, &["refund".to_string()]).await.unwrap();
    ledger.engine.flush().await.unwrap();
    assert_eq!(ledger.sql(others).await, [["a"], ["poison"], ["z"]]);
    book["invoices"].as_array_mut().unwrap().pop();
    assert_eq!(ledger.movements(None).await, interpret(&book));
    ledger.verify().await;
    let warnings = ledger.engine.status().await.unwrap().warnings;
    assert!(!warnings.iter().any(|warning| warning.contains("poison")), "{warnings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_small_imports_are_compacted_into_one_refresh() {
    let book = random_book(4_711);
    let ledger = Ledger::for_book(&book).await;
    ledger.import(&json!({"customers": book["customers"], "plans": book["plans"]})).await;
    let invoices = book["invoices"].as_array().unwrap();
    for piece in invoices.chunks(invoices.len().div_ceil(12)) {
        ledger.import(&json!({"invoices": piece})).await;
        let files = ledger.engine.verify().await.unwrap();
        assert!(files.holds(), "{:?}", files.failures);
    }
    assert_eq!(ledger.movements(None).await, interpret(&book));
}

#[tokio::test(flavor = "multi_thread")]
async fn catalog_in_another_form_is_refused_with_a_remedy() {
    let ledger = Ledger::for_book(&book()).await;
    let Ledger { engine, dir } = ledger;
    engine.close().await.unwrap();
    let catalog = rusqlite::Connection::open(dir.path().join("catalog.db")).unwrap();
    catalog.pragma_update(None, "user_version", 99).unwrap();
    drop(catalog);
    let config =
        Config::new(dir.path(), std::sync::Arc::new(|| "2024-01-01T00:00:00Z".parse().unwrap()));
    let refused = Engine::open(config).await;
    assert!(matches!(refused, Err(Error::NewerStore { stored: 99, .. })), "{:?}", refused.err());
}
