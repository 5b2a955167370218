//! A wait for a sequence ends when the sequence is published, and not before.

use std::time::Duration;

use mrrow_engine::Engine;
use mrrow_engine::model::ObjectType;
use serde_json::json;
use tokio::time::timeout;

use crate::ledger::{Ledger, open};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn wait_for_a_push_ends_in_any_process() {
    let today = "2024-03-01".parse().unwrap();
    let ledger = Ledger::open(today).await;
    assert_eq!(ledger.engine.last_acknowledged().await, None);
    let reader: Engine = open(ledger.dir.path(), today).await;
    ledger.engine.wait_published(0).await.unwrap();
    let pushed = ledger.push(ObjectType::Customers, &[json!({"id": "a", "name": "A"})]).await;
    assert_eq!(ledger.engine.last_acknowledged().await, Some(pushed.sequence));
    for engine in [&ledger.engine, &reader] {
        timeout(SOON, engine.wait_published(pushed.sequence)).await.unwrap().unwrap();
        let newest = engine.newest().await.unwrap();
        assert!(newest.last_sequence >= pushed.sequence);
        let snapshot = engine.snapshot(None).await.unwrap();
        assert_eq!((snapshot.id(), snapshot.as_of()), (newest.snapshot, newest.as_of));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wait_for_a_sequence_that_was_never_acknowledged_does_not_end() {
    let ledger = Ledger::open("2024-03-01".parse().unwrap()).await;
    let pushed = ledger.push(ObjectType::Customers, &[json!({"id": "a", "name": "A"})]).await;
    let engine = &ledger.engine;
    tokio::select! {
        ended = engine.wait_published(pushed.sequence + 1) => panic!("{ended:?}"),
        published = timeout(SOON, engine.wait_published(pushed.sequence)) => published.unwrap().unwrap(),
    }
}
