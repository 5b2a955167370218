//! Group commit: requests that wait at the same time become durable in one transaction, and each
//! gets its own response.

use std::sync::Arc;

use mrrow_engine::import::OnError;
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::{PushLimits, PushOptions, PushResult};
use mrrow_engine::{Engine, RowStatus};
use tempfile::TempDir;

use crate::ledger::{rows, texts};
use crate::overload::open_without_flushes;

const PLAN: &str =
    r#"{"id":"p","name":"P","interval":"month","interval_count":1,"currency":"USD"}"#;

fn customer(id: &str, name: &str) -> String {
    format!(r#"{{"id":"{id}","name":"{name}"}}"#)
}

fn invoice(id: &str, customer: &str) -> String {
    format!(
        concat!(
            r#"{{"id":"{id}","customer_id":"{customer}","type":"subscription","#,
            r#""invoice_date":"2024-01-01","amount":100,"currency":"USD","plan_id":"p"}}"#
        ),
        id = id,
        customer = customer,
    )
}

/// Pushes each body as a request of its own, all at once; they arrive in their order.
async fn push_all(
    engine: &Engine,
    object: ObjectType,
    bodies: &[String],
    on_error: OnError,
) -> Vec<PushResult> {
    let options = PushOptions { on_error, ..PushOptions::default() };
    let pushes = bodies
        .iter()
        .map(|body| engine.push("default", Some(object), body.clone().into_bytes(), &options));
    futures::future::try_join_all(pushes).await.unwrap()
}

async fn stored(engine: &Engine, sql: &str) -> Vec<Vec<String>> {
    engine.flush().await.unwrap();
    let snapshot = engine.snapshot(None).await.unwrap();
    texts(&rows(snapshot.sql(sql).await.unwrap()).await)
}

fn statuses(pushed: &[PushResult]) -> Vec<Vec<RowStatus>> {
    pushed.iter().map(|pushed| pushed.result.iter().map(|row| row.status).collect()).collect()
}

#[tokio::test]
async fn last_of_several_requests_with_one_id_is_current() {
    let dir = TempDir::new().unwrap();
    let engine = open_without_flushes(dir.path(), PushLimits::default()).await;
    // The first push creates the data source and the second caches it. Without that, a look-up
    // could let a later request overtake an earlier one.
    push_all(&engine, ObjectType::Plans, &[PLAN.to_string()], OnError::Abort).await;
    push_all(&engine, ObjectType::Plans, &[PLAN.to_string()], OnError::Abort).await;
    let bodies = [
        customer("a", "A"),
        format!("[{},{}]", customer("b", "B"), customer("a", "A")),
        customer("a", "Z"),
        customer("b", "B"),
    ];
    let pushed = push_all(&engine, ObjectType::Customers, &bodies, OnError::Abort).await;
    use RowStatus::{Created, Unchanged, Updated};
    assert_eq!(
        statuses(&pushed),
        [vec![Created], vec![Created, Unchanged], vec![Updated], vec![Unchanged]]
    );
    let ids =
        |pushed: &PushResult| pushed.result.iter().map(|row| row.id.clone()).collect::<Vec<_>>();
    assert_eq!(
        pushed.iter().map(ids).collect::<Vec<_>>(),
        [vec!["a"], vec!["b", "a"], vec!["a"], vec!["b"]]
    );
    let sequences: Vec<_> = pushed.iter().map(|next| next.sequence - pushed[0].sequence).collect();
    assert_eq!(sequences, [0, 2, 3, 3]);
    assert_eq!(
        stored(&engine, "select id, name from customers order by id").await,
        [["a", "Z"], ["b", "B"]]
    );
    engine.close().await.unwrap();
}

#[tokio::test]
async fn refused_request_does_not_affect_the_others() {
    let dir = TempDir::new().unwrap();
    let engine = Arc::new(open_without_flushes(dir.path(), PushLimits::default()).await);
    push_all(&engine, ObjectType::Plans, &[PLAN.to_string()], OnError::Abort).await;
    push_all(&engine, ObjectType::Customers, &[customer("a", "A")], OnError::Abort).await;
    let bodies = [
        invoice("1", "a"),
        format!("[{},{}]", invoice("2", "a"), invoice("3", "nobody")),
        invoice("4", "a"),
        format!("[{},{{}}]", invoice("5", "a")),
        invoice("4", "nobody"),
    ];
    let pushed = push_all(&engine, ObjectType::Invoices, &bodies, OnError::Abort).await;
    assert_eq!(
        pushed.iter().map(|pushed| pushed.stored).collect::<Vec<_>>(),
        [true, false, true, false, false]
    );
    let lines = |pushed: &PushResult| {
        pushed.rejections.iter().filter_map(|rejection| rejection.line).collect::<Vec<_>>()
    };
    assert_eq!(
        pushed.iter().map(lines).collect::<Vec<_>>(),
        [vec![], vec![1], vec![], vec![1], vec![0]]
    );
    assert_eq!(stored(&engine, "select id from invoices order by id").await, [["1"], ["4"]]);
    let pushed = push_all(&engine, ObjectType::Invoices, &bodies, OnError::Skip).await;
    use RowStatus::{Created, Unchanged};
    assert_eq!(
        statuses(&pushed),
        [vec![Unchanged], vec![Created], vec![Unchanged], vec![Created], vec![]]
    );
    assert_eq!(
        stored(&engine, "select id from invoices order by id").await,
        [["1"], ["2"], ["4"], ["5"]]
    );
    assert!(engine.verify().await.unwrap().holds());
}

#[tokio::test]
async fn next_writer_publishes_a_large_request() {
    let dir = TempDir::new().unwrap();
    let engine = open_without_flushes(dir.path(), PushLimits::default()).await;
    let all: Vec<String> = (0..2000).map(|number| customer(&format!("c{number}"), "A")).collect();
    push_all(&engine, ObjectType::Customers, &[format!("[{}]", all.join(","))], OnError::Abort)
        .await;
    drop(engine);
    let engine = open_without_flushes(dir.path(), PushLimits::default()).await;
    engine.start_writing().await.unwrap();
    assert_eq!(
        stored(&engine, "select count(distinct id), min(name) from customers").await,
        [["2000", "A"]]
    );
}
