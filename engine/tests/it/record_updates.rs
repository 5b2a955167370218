//! Updates of single fields of a record.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use mrrow_engine::ingest::Dialect;
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::{PushOptions, PushResult};
use mrrow_engine::{Config, Engine, RecordId, RowStatus};
use serde_json::value::RawValue;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::ledger::{rows, texts};

async fn open(dir: &Path) -> Engine {
    let now: DateTime<Utc> = "2024-03-01T10:00:00Z".parse().unwrap();
    Engine::open(Config::new(dir, Arc::new(move || now))).await.unwrap()
}

async fn amend(engine: &Engine, object: ObjectType, id: &str, changes: &str) -> Option<PushResult> {
    let changes: BTreeMap<String, Box<RawValue>> = serde_json::from_str(changes).unwrap();
    let record = RecordId { data_source: "default".to_string(), object, id: id.to_string() };
    let options = PushOptions { dialect: Dialect::Clients, ..PushOptions::default() };
    engine.update_record(&record, &changes, &options).await.unwrap()
}

async fn read(engine: &Engine, sql: &str) -> Vec<Vec<String>> {
    engine.flush().await.unwrap();
    texts(&rows(engine.snapshot(None).await.unwrap().sql(sql).await.unwrap()).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn update_keeps_the_other_fields_as_they_were_sent() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path()).await;
    let book = r#"{"customers":[{"id":"c","name":"A\"é","created":"2024-01-15",
                   "trial_started":"2024-01-15T01:02:03.000004+02:00","country":"US",
                   "metadata":{"n":1e400,"t":"x"}}],
                   "plans":[{"id":"p","name":"P","interval":"month","interval_count":3,
                   "currency":"USD"}],
                   "invoices":[{"id":"i","customer_id":"c","type":"subscription",
                   "invoice_date":"2024-02-01","amount":9900,"currency":"USD",
                   "plan_id":"p","proration":false,"quantity":2}]}"#;
    engine.push("default", None, book.as_bytes().to_vec(), &PushOptions::default()).await.unwrap();
    for (object, id) in
        [(ObjectType::Customers, "c"), (ObjectType::Plans, "p"), (ObjectType::Invoices, "i")]
    {
        // An update without fields changes nothing.
        let pushed = amend(&engine, object, id, r#"{"id":"other","shoe_size":7}"#).await.unwrap();
        assert_eq!(
            (pushed.result[0].status, pushed.result[0].id.as_str()),
            (RowStatus::Unchanged, id)
        );
        assert!(amend(&engine, object, "nobody", "{}").await.is_none());
    }
    let pushed = amend(
        &engine,
        ObjectType::Customers,
        "c",
        r#"{"created_date":null,"name":"B","country":"de"}"#,
    )
    .await
    .unwrap();
    assert_eq!(pushed.result[0].status, RowStatus::Updated);
    amend(&engine, ObjectType::Invoices, "i", r#"{"amount":4900.0}"#).await.unwrap();
    amend(&engine, ObjectType::Plans, "p", r#"{"billing_freq":"quarter","billing_freq_count":1}"#)
        .await
        .unwrap();
    let customer =
        "select name, created, country, cast(trial_started as varchar), metadata from customers";
    assert_eq!(
        read(&engine, customer).await,
        [["B", "", "DE", "2024-01-14T23:02:03.000004Z", r#"{"n":1e400,"t":"x"}"#]]
    );
    assert_eq!(
        read(&engine, "select amount, quantity, plan_id from invoices").await,
        [["4900", "2", "p"]]
    );
    assert_eq!(
        read(&engine, "select \"interval\", interval_count from plans").await,
        [["month", "3"]]
    );
    let refused = amend(&engine, ObjectType::Invoices, "i", r#"{"date":"soon"}"#).await.unwrap();
    assert_eq!(
        (refused.stored, refused.rejections[0].errors[0].pointer.as_str()),
        (false, "/date")
    );
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_updates_are_all_stored() {
    let dir = TempDir::new().unwrap();
    let engine = Arc::new(open(dir.path()).await);
    let customer = br#"{"id":"c","name":"A"}"#.to_vec();
    engine
        .push("default", Some(ObjectType::Customers), customer, &PushOptions::default())
        .await
        .unwrap();
    let mut changes = JoinSet::new();
    for change in [r#"{"email":"a@b.c"}"#, r#"{"country":"US"}"#, r#"{"metadata":{"a":1}}"#] {
        let engine = Arc::clone(&engine);
        changes.spawn(async move { amend(&engine, ObjectType::Customers, "c", change).await });
    }
    assert!(
        changes
            .join_all()
            .await
            .iter()
            .all(|changed| changed.as_ref().is_some_and(|changed| changed.stored))
    );
    assert_eq!(
        read(&engine, "select email, country, metadata from customers").await,
        [["a@b.c", "US", r#"{"a":1}"#]]
    );
}
