//! More is pushed than published: the inbox has a limit, and a refused push is not stored.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use mrrow_engine::import::{ImportOptions, Input, Progress};
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::{PushLimits, PushOptions, PushResult};
use mrrow_engine::{Config, Engine, Error, RowStatus};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::ledger::{Ledger, rows, texts};

/// An engine that publishes only on request.
pub(crate) async fn open_without_flushes(dir: &Path, limits: PushLimits) -> Engine {
    let now: DateTime<Utc> = "2024-03-01T10:00:00Z".parse().unwrap();
    let push = PushLimits { flush_after: Duration::from_secs(3600), ..limits };
    Engine::open(Config { push, ..Config::new(dir, Arc::new(move || now)) }).await.unwrap()
}

async fn push(engine: &Engine, id: &str, name: &str) -> Result<PushResult, Error> {
    let bytes = format!(r#"{{"id":"{id}","name":"{name}"}}"#).into_bytes();
    engine.push("default", Some(ObjectType::Customers), bytes, &PushOptions::default()).await
}

async fn customers(engine: &Engine) -> Vec<Vec<String>> {
    let snapshot = engine.snapshot(None).await.unwrap();
    texts(&rows(snapshot.sql("select id, name from customers order by id").await.unwrap()).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn full_inbox_refuses_pushes_until_it_is_published() {
    let dir = TempDir::new().unwrap();
    let engine = open_without_flushes(
        dir.path(),
        PushLimits { inbox_bytes: 20_000, ..PushLimits::default() },
    )
    .await;
    let mut accepted = Vec::new();
    let refused = loop {
        let id = format!("c{:03}", accepted.len());
        match push(&engine, &id, "A").await {
            Ok(_) => accepted.push(vec![id, "A".to_string()]),
            Err(error) => break error,
        }
        assert!(accepted.len() < 100, "the inbox has no limit");
    };
    assert!(matches!(refused, Error::Overloaded), "{refused}");
    assert!(accepted.len() > 1);
    assert!(matches!(push(&engine, "c000", "B").await, Err(Error::Overloaded)));
    engine.flush().await.unwrap();
    assert_eq!(customers(&engine).await, accepted);
    assert_eq!(push(&engine, "c000", "B").await.unwrap().result[0].status, RowStatus::Updated);
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_concurrent_requests_are_refused_and_the_others_stored() {
    let dir = TempDir::new().unwrap();
    let engine = Arc::new(
        open_without_flushes(
            dir.path(),
            PushLimits { requests_waiting: 1, ..PushLimits::default() },
        )
        .await,
    );
    let mut pushes = JoinSet::new();
    for number in 0..64 {
        let engine = Arc::clone(&engine);
        pushes.spawn(async move {
            let id = format!("c{number:02}");
            match push(&engine, &id, "A").await {
                Ok(_) => Some(vec![id, "A".to_string()]),
                Err(Error::Overloaded) => None,
                Err(error) => panic!("{error}"),
            }
        });
    }
    let mut accepted: Vec<_> = pushes.join_all().await.into_iter().flatten().collect();
    accepted.sort();
    engine.flush().await.unwrap();
    assert_eq!(customers(&engine).await, accepted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn push_during_an_import_is_compared_with_the_import_afterwards() {
    let dir = TempDir::new().unwrap();
    let engine = Arc::new(open_without_flushes(dir.path(), PushLimits::default()).await);
    push(&engine, "x", "A").await.unwrap();
    let (at_work, computing) = std::sync::mpsc::channel();
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let may_go_on = std::sync::Mutex::new(may_go_on);
    let listener = move |progress| {
        if progress == Progress::Computing {
            at_work.send(()).unwrap();
            may_go_on.lock().unwrap().recv().unwrap();
        }
    };
    let importing = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move {
            let input = Input::bytes(
                "x",
                Some(ObjectType::Customers),
                br#"{"id":"x","name":"B"}"#.to_vec(),
            );
            let options =
                ImportOptions { progress: Some(Arc::new(listener)), ..ImportOptions::default() };
            engine.import(vec![input], &options).await
        }
    });
    tokio::task::spawn_blocking(move || computing.recv().unwrap()).await.unwrap();
    push(&engine, "x", "A").await.unwrap();
    go_on.send(()).unwrap();
    assert!(importing.await.unwrap().unwrap().snapshot.is_some());
    // It differs from the last acknowledged version, and equals the published one.
    assert_eq!(push(&engine, "x", "B").await.unwrap().result[0].status, RowStatus::Updated);
    engine.flush().await.unwrap();
    assert_eq!(customers(&engine).await, [["x", "B"]]);
    let engine = Arc::into_inner(engine).unwrap();
    Ledger { engine, dir }.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_is_refused_one_byte_past_its_limit() {
    let dir = TempDir::new().unwrap();
    let row = br#"{"id":"c","name":"A"}"#;
    let engine = open_without_flushes(
        dir.path(),
        PushLimits { request_bytes: row.len(), ..PushLimits::default() },
    )
    .await;
    assert!(push(&engine, "c", "A").await.unwrap().stored);
    let Err(Error::TooLarge(message)) = push(&engine, "cc", "A").await else {
        panic!("it is stored")
    };
    assert_eq!(message, "the request has 22 bytes; 21 are allowed: push it in parts, or import it");
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn push_that_is_not_durable_is_not_acknowledged() {
    let dir = TempDir::new().unwrap();
    let engine = Arc::new(open_without_flushes(dir.path(), PushLimits::default()).await);
    assert!(push(&engine, "first", "A").await.unwrap().stored);
    let catalog = rusqlite::Connection::open(dir.path().join("catalog.db")).unwrap();
    let fail = "create trigger fail before insert on inbox \
                begin select raise(abort, 'the disk is full'); end";
    catalog.execute_batch(fail).unwrap();
    // Requests of one transaction have the same row: each but the first depends on it.
    let mut pushes = JoinSet::new();
    for _ in 0..64 {
        let engine = Arc::clone(&engine);
        pushes.spawn(async move { push(&engine, "c", "A").await });
    }
    while let Some(pushed) = pushes.join_next().await {
        assert!(matches!(pushed.unwrap(), Err(Error::NotAcknowledged(_))));
    }
    catalog.execute_batch("drop trigger fail").unwrap();
    let pushed = push(&engine, "c", "A").await.unwrap();
    assert_eq!(pushed.result[0].status, RowStatus::Created);
    engine.flush().await.unwrap();
    let snapshot = engine.snapshot(None).await.unwrap();
    assert_eq!(snapshot.last_sequence(), pushed.sequence);
    assert_eq!(customers(&engine).await, [["c", "A"], ["first", "A"]]);
}
