//! Writes that do not finish: an acknowledged push is published by the next writer, and no other
//! process is blocked.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use mrrow_engine::import::{ImportOptions, Input, Progress};
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::PushOptions;
use mrrow_engine::{Engine, Error, RowStatus};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ledger::{Ledger, open};

const TODAY: &str = "2024-03-01";

const PUBLISHED_WITHIN: Duration = Duration::from_secs(20);

async fn push(engine: &Engine, object: ObjectType, row: Value) -> Result<RowStatus, Error> {
    let pushed = engine
        .push("default", Some(object), row.to_string().into_bytes(), &PushOptions::default())
        .await?;
    assert!(pushed.stored, "{pushed:?}");
    Ok(pushed.result[0].status)
}

/// An invoice that is too large to be computed with its discount added.
fn invoice(customer: &str, discount: i64) -> Value {
    json!({
        "id": format!("i-{customer}"), "customer_id": customer, "type": "subscription",
        "invoice_date": "2024-01-01",
        "amount": 1, "discount": discount, "currency": "USD", "plan_id": "p",
    })
}

fn refund(customer: &str, amount: i64) -> Value {
    json!({
        "id": format!("r-{customer}"), "customer_id": customer, "type": "refund",
        "invoice_date": "2024-01-05",
        "amount": amount, "currency": "USD",
    })
}

const TOO_MUCH: i64 = 10_000_000_000_000;

async fn ledger_with(discounts: &str) -> Ledger {
    let ledger = Ledger::open(TODAY.parse().unwrap()).await;
    ledger.engine.set_setting("discounts", discounts).await.unwrap();
    let customers = json!([{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]);
    let plans = json!([{"id": "p", "name": "P", "interval": "month", "interval_count": 1,
        "currency": "USD"}]);
    ledger
        .import(&json!({"customers": customers, "plans": plans, "invoices": [invoice("a", 0)]}))
        .await;
    ledger
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_under_which_a_customer_cannot_be_computed_is_refused() {
    let ledger = ledger_with("net").await;
    ledger.import(&json!({"invoices": [invoice("b", TOO_MUCH), refund("b", TOO_MUCH)]})).await;
    let refused = ledger.engine.set_setting("discounts", "gross").await;
    assert!(matches!(refused, Err(Error::Customer { .. })), "{refused:?}");
    assert_eq!(ledger.engine.settings().await.unwrap().get("discounts").unwrap(), "net");
    ledger.engine.set_setting("refunds", "ignore").await.unwrap();
    ledger.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn canceled_push_is_published_if_it_was_committed() {
    let ledger = ledger_with("net").await;
    for microseconds in (0..4000).step_by(100) {
        let row = json!({"id": format!("c{microseconds}"), "name": "C"});
        let pushing = push(&ledger.engine, ObjectType::Customers, row);
        let _ = tokio::time::timeout(Duration::from_micros(microseconds), pushing).await;
        if microseconds % 800 == 0 {
            wait_until_all_is_published(&ledger.engine).await;
        }
    }
}

async fn wait_until_all_is_published(engine: &Engine) {
    let published = async {
        // A canceled push may be acknowledged while this waits for the one before it.
        while engine.status().await.unwrap().waiting_rows > 0 {
            let acknowledged = engine.last_acknowledged().await.unwrap();
            engine.wait_published(acknowledged).await.unwrap();
        }
    };
    tokio::time::timeout(PUBLISHED_WITHIN, published).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn next_engine_reads_the_pushes_that_a_dropped_engine_acknowledged() {
    let mut ledger = ledger_with("net").await;
    for round in 1..=5 {
        push(
            &ledger.engine,
            ObjectType::Customers,
            json!({"id": format!("x{round}"), "name": "X"}),
        )
        .await
        .unwrap();
        let Ledger { engine, dir } = ledger;
        drop(engine);
        ledger = Ledger { engine: open(dir.path(), TODAY.parse().unwrap()).await, dir };
        let seen = ledger.sql("select count(*) from customers where name = 'X'").await;
        assert_eq!(seen, [[round.to_string()]]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_import_does_not_make_later_pushes_new() {
    let ledger = ledger_with("net").await;
    let row = || json!({"id": "x", "name": "X"});
    assert_eq!(
        push(&ledger.engine, ObjectType::Customers, row()).await.unwrap(),
        RowStatus::Created
    );
    let bytes = br#"{"customers":[{"id":"y","name":"Y"}]}"#.to_vec();
    let options = ImportOptions {
        progress: Some(Arc::new(|progress| {
            assert!(!matches!(progress, Progress::Computing), "this import fails here");
        })),
        ..ImportOptions::default()
    };
    let import = ledger.engine.import(vec![Input::bytes("y.json", None, bytes)], &options);
    assert!(AssertUnwindSafe(import).catch_unwind().await.is_err());
    // An unchanged row is not stored, so that it gets no sequence.
    let body = || row().to_string().into_bytes();
    let options = PushOptions::default();
    let first =
        ledger.engine.push("default", Some(ObjectType::Customers), body(), &options).await.unwrap();
    let again =
        ledger.engine.push("default", Some(ObjectType::Customers), body(), &options).await.unwrap();
    assert_eq!((first.result[0].status, again.sequence), (RowStatus::Unchanged, first.sequence));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn status_reader_does_not_block_writers() {
    let dir = TempDir::new().unwrap();
    let reader = open(dir.path(), TODAY.parse().unwrap()).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let reading = tokio::spawn(async move {
        let mut reads = 0;
        while !*stopped.borrow() {
            reader.status().await.unwrap();
            reads += 1;
        }
        reads
    });
    for round in 0..60 {
        let engine = open(dir.path(), TODAY.parse().unwrap()).await;
        let row = json!({"id": format!("c{round}"), "name": "C"});
        push(&engine, ObjectType::Customers, row).await.unwrap();
        drop(engine);
    }
    stop.send(true).unwrap();
    assert!(reading.await.unwrap() > 0, "the status was never read beside a writer");
}

/// Deletes a customer, and many missing ones, so that it takes a while.
async fn delete(engine: &Engine, number: usize) {
    let others = (0..600).map(|other| format!("nobody-{number}-{other}"));
    let ids: Vec<String> = others.chain([format!("x{number}")]).collect();
    engine.delete("default", ObjectType::Customers, &ids).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_engine_acknowledges_nothing_after_another_one_writes() {
    let Ledger { mut engine, dir } = ledger_with("net").await;
    for round in 0..3 {
        let all: Vec<Value> =
            (0..40).map(|number| json!({"id": format!("x{number}"), "name": "X"})).collect();
        let all = json!(all).to_string().into_bytes();
        engine
            .push("default", Some(ObjectType::Customers), all, &PushOptions::default())
            .await
            .unwrap();
        {
            // The deletes are at work when their futures are dropped.
            let deletes = futures::future::join_all((0..40).map(|number| delete(&engine, number)));
            let _ = tokio::time::timeout(Duration::from_millis(20), deletes).await;
        }
        drop(engine);
        engine = open(dir.path(), TODAY.parse().unwrap()).await;
        for number in 0..20 {
            let row = json!({"id": format!("s{round}-{number}"), "name": "S"});
            assert_eq!(
                push(&engine, ObjectType::Customers, row).await.unwrap(),
                RowStatus::Created
            );
        }
    }
    let ledger = Ledger { engine, dir };
    ledger.engine.flush().await.unwrap();
    assert_eq!(ledger.sql("select count(*) from customers where name = 'S'").await, [["60"]]);
    ledger.verify().await;
}
