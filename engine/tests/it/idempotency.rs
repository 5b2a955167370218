//! Requests with an idempotency key are carried out once, however often they are sent.

use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};
use mrrow_engine::import::OnError;
use mrrow_engine::ingest::{Dialect, RowSources};
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::{IdempotencyKey, PushLimits, PushOptions, PushResult};
use mrrow_engine::{Config, Engine, Error, RowStatus};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::ledger::{Clock, rows, texts};
use crate::overload::open_without_flushes;

fn options(key: &str, content: u8) -> PushOptions {
    let key = IdempotencyKey {
        scope: "tests".to_string(),
        key: key.to_string(),
        fingerprint: [content; 32],
    };
    PushOptions { idempotency: Some(key), ..PushOptions::default() }
}

async fn push(engine: &Engine, name: &str, options: &PushOptions) -> Result<PushResult, Error> {
    let bytes = format!(r#"[{{"id":"c","name":"{name}"}},{{"id":"d"}}]"#).into_bytes();
    let options = PushOptions { on_error: OnError::Skip, ..options.clone() };
    engine.push("default", Some(ObjectType::Customers), bytes, &options).await
}

async fn names(engine: &Engine) -> Vec<Vec<String>> {
    engine.flush().await.unwrap();
    let snapshot = engine.snapshot(None).await.unwrap();
    texts(&rows(snapshot.sql("select name from customers order by id").await.unwrap()).await)
}

fn as_replayed(pushed: &PushResult) -> PushResult {
    PushResult { replayed: true, ..pushed.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn repetition_gets_the_first_response_also_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let engine = open_without_flushes(dir.path(), PushLimits::default()).await;
    let first = push(&engine, "A", &options("k", 1)).await.unwrap();
    assert_eq!((first.result[0].status, first.result[0].line), (RowStatus::Created, Some(0)));
    assert_eq!((first.rejections.len(), first.stored, first.replayed), (1, true, false));
    assert_eq!(push(&engine, "A", &options("k", 1)).await.unwrap(), as_replayed(&first));
    engine.close().await.unwrap();
    let engine = open_without_flushes(dir.path(), PushLimits::default()).await;
    assert_eq!(push(&engine, "A", &options("k", 1)).await.unwrap(), as_replayed(&first));
    // Under another key it is carried out, and its row is unchanged.
    let other = push(&engine, "A", &options("l", 1)).await.unwrap();
    assert_eq!((other.result[0].status, other.replayed), (RowStatus::Unchanged, false));
    assert_eq!(push(&engine, "A", &options("l", 1)).await.unwrap(), as_replayed(&other));
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn repetition_does_not_undo_later_requests() {
    let dir = TempDir::new().unwrap();
    let engine = open_without_flushes(dir.path(), PushLimits::default()).await;
    let first = push(&engine, "A", &options("k", 1)).await.unwrap();
    assert_eq!(
        push(&engine, "B", &PushOptions::default()).await.unwrap().result[0].status,
        RowStatus::Updated
    );
    assert_eq!(push(&engine, "A", &options("k", 1)).await.unwrap(), as_replayed(&first));
    assert_eq!(names(&engine).await, [["B"]]);
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn other_content_under_a_used_key_is_refused() {
    let dir = TempDir::new().unwrap();
    let engine = open_without_flushes(dir.path(), PushLimits::default()).await;
    push(&engine, "A", &options("k", 1)).await.unwrap();
    let Err(Error::IdempotencyConflict { key }) = push(&engine, "B", &options("k", 2)).await else {
        panic!("it is stored")
    };
    assert_eq!(key, "k");
    // Two API keys may use the same idempotency key.
    let mut others = options("k", 2);
    others.idempotency.as_mut().unwrap().scope = "others".to_string();
    assert_eq!(push(&engine, "C", &others).await.unwrap().result[0].status, RowStatus::Updated);
    assert_eq!(names(&engine).await, [["C"]]);
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_request_can_be_corrected_under_its_key() {
    let dir = TempDir::new().unwrap();
    let engine = open_without_flushes(dir.path(), PushLimits::default()).await;
    let push = async |bytes: &[u8], content| {
        engine
            .push("default", Some(ObjectType::Customers), bytes.to_vec(), &options("k", content))
            .await
            .unwrap()
    };
    assert!(!push(br#"{"id":"c"}"#, 1).await.stored);
    assert!(push(br#"{"id":"c","name":"A"}"#, 2).await.stored);
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_repetitions_are_carried_out_once() {
    let dir = TempDir::new().unwrap();
    let engine = Arc::new(open_without_flushes(dir.path(), PushLimits::default()).await);
    let mut pushes = JoinSet::new();
    for number in 0..32_u8 {
        let engine = Arc::clone(&engine);
        pushes.spawn(
            async move { (number % 2, push(&engine, "A", &options("k", number % 2)).await) },
        );
    }
    let (mut answers, mut conflicts) = (Vec::new(), 0);
    for (content, pushed) in pushes.join_all().await {
        match pushed {
            Ok(pushed) => answers.push((content, pushed)),
            Err(Error::IdempotencyConflict { .. }) => conflicts += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((answers.len(), conflicts), (16, 16));
    assert!(answers.iter().all(|(content, pushed)| {
        *content == answers[0].0 && pushed.result[0].status == RowStatus::Created && pushed.stored
    }));
    assert_eq!(answers.iter().filter(|(_, pushed)| !pushed.replayed).count(), 1);
    assert_eq!(names(&engine).await, [["A"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn key_expires_after_a_day() {
    let dir = TempDir::new().unwrap();
    let clock = Clock::on(NaiveDate::from_ymd_opt(2024, 3, 1).unwrap());
    let told = clock.clone();
    let push_limits =
        PushLimits { flush_after: Duration::from_secs(3600), ..PushLimits::default() };
    let config =
        Config { push: push_limits, ..Config::new(dir.path(), Arc::new(move || told.now())) };
    let engine = Engine::open(config).await.unwrap();
    push(&engine, "A", &options("k", 1)).await.unwrap();
    clock.advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    assert!(push(&engine, "A", &options("k", 1)).await.unwrap().replayed);
    clock.advance(TimeDelta::seconds(1));
    let later = push(&engine, "B", &options("k", 2)).await.unwrap();
    assert_eq!((later.result[0].status, later.replayed), (RowStatus::Updated, false));
    clock.advance(TimeDelta::hours(23));
    assert!(push(&engine, "B", &options("k", 2)).await.unwrap().replayed);
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn update_of_a_record_that_changed_since_it_was_read_is_a_conflict() {
    let dir = TempDir::new().unwrap();
    let engine = open_without_flushes(dir.path(), PushLimits::default()).await;
    let read = push(&engine, "A", &PushOptions::default()).await.unwrap().sequence;
    let since =
        |sequence| PushOptions { unchanged_since: Some(sequence), ..PushOptions::default() };
    let written = push(&engine, "B", &since(read)).await.unwrap().sequence;
    assert!(
        matches!(push(&engine, "C", &since(read)).await, Err(Error::Changed { id }) if id == "c")
    );
    assert_eq!(names(&engine).await, [["B"]]);
    assert!(matches!(push(&engine, "C", &since(read)).await, Err(Error::Changed { .. })));
    assert!(push(&engine, "C", &since(written)).await.unwrap().stored);
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn request_may_name_several_data_sources() {
    let dir = TempDir::new().unwrap();
    let engine = open_without_flushes(dir.path(), PushLimits::default()).await;
    let push = async |object, bytes: &str| {
        let options = PushOptions {
            dialect: Dialect::Clients,
            row_sources: Some(Arc::new(RowSources::new([("one", "One"), ("two", "Two")], None))),
            on_error: OnError::Skip,
            ..options(&format!("{object}"), 1)
        };
        engine.push("", Some(object), bytes.as_bytes().to_vec(), &options).await.unwrap()
    };
    let customers = r#"[{"id":"c","name":"A","data_source":"one"},
                        {"id":"c","name":"B","data_source":"Two"},
                        {"id":"x","name":"X","data_source":"three"},
                        {"id":"d","email":"d@two","data_source":"two"}]"#;
    let pushed = push(ObjectType::Customers, customers).await;
    let lines: Vec<_> =
        pushed.result.iter().map(|row| (row.id.as_str(), row.status, row.line)).collect();
    assert_eq!(
        lines,
        [
            ("c", RowStatus::Created, Some(0)),
            ("c", RowStatus::Created, Some(1)),
            ("d", RowStatus::Created, Some(3))
        ]
    );
    assert_eq!(pushed.rejections[0].line, Some(2));
    assert_eq!(push(ObjectType::Customers, customers).await, as_replayed(&pushed));
    // A customer exists in its own data source only.
    let invoices = r#"[{"id":"i","customer_id":"d","date":"2024-02-01","amount":1,"currency":"usd",
                        "data_source":"one"},
                       {"id":"i","customer_id":"d","date":"2024-02-01","amount":1,"currency":"usd",
                        "data_source":"two"}]"#;
    let pushed = push(ObjectType::Invoices, invoices).await;
    assert_eq!((pushed.rejections[0].line, pushed.result[0].line), (Some(0), Some(1)));
    engine.flush().await.unwrap();
    let snapshot = engine.snapshot(None).await.unwrap();
    let stored =
        snapshot.sql("select data_source, id, name from customers order by 1, 2").await.unwrap();
    assert_eq!(
        texts(&rows(stored).await),
        [["one", "c", "A"], ["two", "c", "B"], ["two", "d", "d@two"]]
    );
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_bytes_are_refused_beyond_their_decompressed_limit() {
    let dir = TempDir::new().unwrap();
    let limits = PushLimits { decoded_bytes: 100_000, ..PushLimits::default() };
    let engine = open_without_flushes(dir.path(), limits).await;
    let lines = "{\"id\":\"c\",\"name\":\"A\"}\n".repeat(100_000);
    let bytes = zstd::encode_all(lines.as_bytes(), 0).unwrap();
    let pushed =
        engine.push("default", Some(ObjectType::Customers), bytes, &PushOptions::default()).await;
    let Err(Error::TooLarge(message)) = pushed else { panic!("it is stored") };
    assert_eq!(
        message,
        "the request has more than 100000 bytes once it is decoded: push it in parts, or import it"
    );
    engine.close().await.unwrap();
}
