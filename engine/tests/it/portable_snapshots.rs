//! A portable snapshot: another process answers from its files, and needs nothing else.

use mrrow_engine::model::ObjectType;
use mrrow_engine::{Past, Snapshot};
use mrrow_engine::{PortableSnapshot, public_tables};
use serde_json::json;

use crate::books::random_book;
use crate::ledger::{Ledger, as_of, movements_request, mrr_request, rows, texts};

/// The snapshot as another process opens it.
async fn sent(snapshot: &Snapshot) -> Snapshot {
    let bytes = serde_json::to_vec(&snapshot.portable()).unwrap();
    let portable: PortableSnapshot = serde_json::from_slice(&bytes).unwrap();
    assert!(portable.paths().all(|path| path.is_absolute() && path.exists()));
    portable.open(64 * 1024 * 1024, 2).unwrap()
}

async fn everything(snapshot: &Snapshot) -> Vec<Vec<Vec<String>>> {
    let mut found = Vec::new();
    for table in public_tables() {
        let sql = format!("select * from {}", table.name);
        let mut rows = texts(&rows(snapshot.sql(&sql).await.unwrap()).await);
        rows.sort();
        found.push(rows);
    }
    for request in [movements_request(), mrr_request()] {
        found.push(texts(&rows(snapshot.report(&request).await.unwrap()).await));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn portable_snapshot_gives_the_same_answers() {
    let book = random_book(700_001);
    let ledger = Ledger::for_book(&book).await;
    ledger.import(&book).await;
    ledger.push(ObjectType::Customers, &[json!({"id": "new", "name": "New"})]).await;
    ledger.engine.flush().await.unwrap();
    let newest = ledger.engine.snapshot(None).await.unwrap();
    let other_day =
        ledger.engine.snapshot(Some(as_of(&book) + chrono::Duration::days(40))).await.unwrap();
    let first = ledger.engine.snapshot_of(Past::Snapshot(1), None).await.unwrap();
    let before_all = ledger
        .engine
        .snapshot_of(Past::KnownAt("2001-01-01T00:00:00Z".parse().unwrap()), None)
        .await
        .unwrap();
    let restricted = newest.restricted_to(&["nobody".to_string()]);
    for snapshot in [&newest, &other_day, &first, &before_all, &restricted] {
        let opened = sent(snapshot).await;
        assert_eq!((opened.id(), opened.as_of()), (snapshot.id(), snapshot.as_of()));
        assert_eq!(everything(&opened).await, everything(snapshot).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statement_over_its_memory_limit_fails_and_spills_nothing() {
    use futures::TryStreamExt;
    let ledger = Ledger::open("2024-03-01".parse().unwrap()).await;
    let opened =
        ledger.engine.snapshot(None).await.unwrap().portable().open(1024 * 1024, 1).unwrap();
    let refused = opened.sql("explain select 1").await.err();
    assert!(matches!(refused, Some(mrrow_engine::Error::SqlNotAllowed(_))), "{refused:?}");
    let rows = opened
        .sql("select value as a from generate_series(1, 3000000) order by value % 7, value")
        .await
        .unwrap();
    let error = rows.try_collect::<Vec<_>>().await.unwrap_err().to_string();
    assert!(error.contains("Resources exhausted") || error.contains("memory"), "{error}");
}
