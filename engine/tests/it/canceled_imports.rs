//! A canceled import stores nothing, leaves no file behind, and does not block the next one.

use std::path::Path;
use std::sync::Arc;

use mrrow_engine::Error;
use mrrow_engine::import::{ImportOptions, ImportSummary, Input, Progress};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::ledger::Ledger;

/// Two customers, and a plan with an invoice of each.
fn book(year: i32) -> Vec<u8> {
    let invoice = |customer: &str| {
        json!({"id": format!("{customer} in {year}"), "customer_id": customer,
            "type": "subscription", "plan_id": "p",
               "invoice_date": format!("{year}-01-01"), "amount": 100, "currency": "USD",
               "period_start": format!("{year}-01-01"), "period_end": format!("{year}-12-31")})
    };
    let customers = ["a", "b"].map(|id| json!({"id": id, "name": id}));
    let plan =
        json!({"id": "p", "name": "P", "interval": "year", "interval_count": 1, "currency": "USD"});
    let book =
        json!({"customers": customers, "plans": [plan], "invoices": [invoice("a"), invoice("b")]});
    book.to_string().into_bytes()
}

async fn import(ledger: &Ledger, options: &ImportOptions) -> Result<ImportSummary, Error> {
    ledger.engine.import(vec![Input::bytes("book", None, book(2023))], options).await
}

/// Every file under a directory, with its path.
fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in dir.read_dir().unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path.display().to_string()),
        }
    }
    found.sort();
    found
}

/// Cancels an import when it reaches a phase.
async fn check(phase: fn(Progress) -> bool) {
    let ledger = Ledger::open("2024-06-15".parse().unwrap()).await;
    let first = vec![Input::bytes("book", None, book(2022))];
    let before = ledger.engine.import(first, &ImportOptions::default()).await.unwrap().snapshot;
    let (data, staging) = (ledger.dir.path().join("data"), ledger.dir.path().join("staging"));
    let files_before = files(&data);

    let canceled = CancellationToken::new();
    let cancel = canceled.clone();
    let listener = move |progress| {
        if phase(progress) {
            cancel.cancel();
        }
    };
    let options =
        ImportOptions { canceled, progress: Some(Arc::new(listener)), ..ImportOptions::default() };
    let ended = import(&ledger, &options).await;
    assert!(matches!(ended, Err(Error::Canceled)), "{ended:?}");

    // The thread that wrote a file of the refresh removes it, maybe after the import has ended.
    for _ in 0..200 {
        if files(&data) == files_before {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(files(&data), files_before);
    assert_eq!(files(&staging), Vec::<String>::new());
    assert_eq!(Some(ledger.engine.status().await.unwrap().snapshot), before);

    let again = import(&ledger, &ImportOptions::default()).await.unwrap();
    assert_eq!(again.snapshot, before.map(|snapshot| snapshot + 1));
    assert_eq!(ledger.sql("select count(*) from invoices").await, [["4"]]);
    assert!(ledger.engine.verify().await.unwrap().holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn import_is_canceled_while_it_reads() {
    check(|progress| matches!(progress, Progress::Reading { .. })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn import_is_canceled_while_it_compares() {
    check(|progress| matches!(progress, Progress::Comparing)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn import_is_canceled_while_it_writes() {
    check(|progress| matches!(progress, Progress::Writing)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn import_is_canceled_while_it_computes_movements() {
    check(|progress| matches!(progress, Progress::Computing)).await;
}
