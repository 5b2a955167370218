//! Data sources are created, changed, reset and deleted; their pull settings are stored.

use std::sync::Arc;

use chrono::NaiveDate;
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::{PushLimits, PushOptions};
use mrrow_engine::sources::{DataSource, NewDataSource};
use mrrow_engine::{Engine, Error, Past};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ledger::{Clock, Ledger, config, rows, texts};
use crate::overload::open_without_flushes;

fn today() -> NaiveDate {
    "2024-03-01".parse().unwrap()
}

fn named(id: Option<&str>, name: &str) -> NewDataSource {
    NewDataSource { id: id.map(str::to_string), name: name.to_string(), kind: None }
}

async fn create(engine: &Engine, id: &str, name: &str) -> Result<DataSource, Error> {
    engine.create_data_source(named(Some(id), name), [7; 16]).await
}

/// Customers with a subscription each, pushed in one request.
async fn push(engine: &Engine, source: &str, customers: std::ops::Range<u32>) {
    let id = |number: u32| format!("c{number:05}");
    let people: Vec<Value> =
        customers.clone().map(|at| json!({"id": id(at), "name": "C"})).collect();
    let invoice = |at: u32| {
        json!({"id": format!("i{at}"), "customer_id": id(at), "type": "subscription",
            "invoice_date": "2024-02-01",
               "amount": 900, "currency": "USD", "plan_id": "p"})
    };
    let invoices: Vec<Value> = customers.map(invoice).collect();
    let plans = json!([{"id": "p", "name": "P", "interval": "month", "interval_count": 1,
        "currency": "USD"}]);
    let book =
        json!({"customers": people, "plans": plans, "invoices": invoices}).to_string().into_bytes();
    let pushed = engine.push(source, None, book, &PushOptions::default()).await.unwrap();
    assert!(pushed.stored, "{:?}", pushed.rejections);
}

/// The numbers of rows that a source has in the tables customers, plans, invoices, movements.
async fn counts(engine: &Engine, past: Option<Past>, source: &str) -> Vec<String> {
    let snapshot = match past {
        Some(past) => engine.snapshot_of(past, None).await.unwrap(),
        None => engine.snapshot(None).await.unwrap(),
    };
    let mut counts = Vec::new();
    for table in ["customers", "plans", "invoices", "movements"] {
        let sql = format!("select count(*) from {table} where data_source = '{source}'");
        counts.extend(texts(&rows(snapshot.sql(&sql).await.unwrap()).await).concat());
    }
    counts
}

#[tokio::test]
async fn data_source_is_created_shown_and_changed() {
    let (dir, clock) = (TempDir::new().unwrap(), Clock::on(today()));
    let engine = Engine::open(config(dir.path(), &clock)).await.unwrap();
    let made = engine.create_data_source(named(None, "Our shop"), [0xab; 16]).await.unwrap();
    assert_eq!(
        (made.id.as_str(), made.kind.as_str()),
        (format!("ds_{}", "ab".repeat(16)).as_str(), "api")
    );
    let kind = Some("stripe".to_string());
    let other = NewDataSource { kind, ..named(Some("stripe-eu"), "Stripe EU") };
    let other = engine.create_data_source(other, [0; 16]).await.unwrap();
    assert_eq!(engine.data_sources().await.unwrap(), [made.clone(), other.clone()]);
    assert_eq!(engine.data_source("stripe-eu").await.unwrap(), Some(other.clone()));
    assert_eq!(engine.data_source("Our shop").await.unwrap(), Some(made.clone()));
    assert_eq!(engine.data_source("our shop").await.unwrap(), None);
    clock.advance(chrono::TimeDelta::hours(1));
    let renamed =
        engine.update_data_source(&made.id, Some("The shop"), None).await.unwrap().unwrap();
    assert_eq!(
        renamed,
        DataSource { name: "The shop".to_string(), updated_at: clock.now(), ..made.clone() }
    );
    let kind =
        engine.update_data_source(&made.id, None, Some("manual")).await.unwrap().unwrap().kind;
    assert_eq!(kind, "manual");
    assert_eq!(engine.update_data_source("nowhere", Some("x"), None).await.unwrap(), None);
    assert_eq!(engine.data_source("Our shop").await.unwrap(), None);
}

#[tokio::test]
async fn id_of_a_data_source_is_not_the_name_of_another() {
    let ledger = Ledger::open(today()).await;
    let engine = &ledger.engine;
    create(engine, "a", "Shop").await.unwrap();
    create(engine, "b", "App").await.unwrap();
    for (id, name) in [("a", "New"), ("Shop", "New"), ("c", "a")] {
        let refused = create(engine, id, name).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{id} {name}: {refused:?}");
    }
    let refused = engine.update_data_source("b", Some("a"), None).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    // A name shared by several sources identifies none of them; their ids do.
    create(engine, "twin", "Shop").await.unwrap();
    assert!(matches!(engine.data_source("Shop").await, Err(Error::Argument(_))));
    let customer = br#"[{"id":"c","name":"C"}]"#;
    let pushed = engine
        .push("Shop", Some(ObjectType::Customers), customer.to_vec(), &PushOptions::default())
        .await;
    assert!(matches!(pushed, Err(Error::Argument(_))), "{pushed:?}");
    assert_eq!(engine.data_source("twin").await.unwrap().unwrap().id, "twin");
    engine.delete_data_source("twin").await.unwrap();
    assert_eq!(engine.data_source("Shop").await.unwrap().unwrap().id, "a");
    // Its own id as its name is allowed.
    assert!(engine.update_data_source("b", Some("App"), None).await.unwrap().is_some());
    assert!(engine.update_data_source("b", Some("b"), None).await.unwrap().is_some());
    for (id, name) in [("", "x"), ("a/b", "x"), ("x", ""), ("x", "a\nb")] {
        let refused = create(engine, id, name).await;
        assert!(matches!(refused, Err(Error::Argument(_))), "{id:?} {name:?}: {refused:?}");
    }
    assert!(matches!(
        engine.update_data_source("b", Some(""), None).await,
        Err(Error::Argument(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_creations_of_one_data_source_create_one() {
    let ledger = Ledger::open(today()).await;
    let other = Engine::open(config(ledger.dir.path(), &Clock::on(today()))).await.unwrap();
    let engines = [&ledger.engine, &other];
    let attempts = (0..16).map(|at| create(engines[at % 2], "shop", "Shop"));
    let made = futures::future::join_all(attempts).await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1);
    assert!(made.iter().all(|made| matches!(made, Ok(_) | Err(Error::Conflict(_)))), "{made:?}");
    assert_eq!(other.data_sources().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn push_names_a_data_source_by_its_name_and_creates_a_missing_one() {
    let ledger = Ledger::open(today()).await;
    let engine = &ledger.engine;
    create(engine, "a", "Shop").await.unwrap();
    push(engine, "Shop", 0..2).await;
    push(engine, "fly", 0..3).await;
    engine.flush().await.unwrap();
    assert_eq!(counts(engine, None, "a").await, ["2", "1", "2", "2"]);
    assert_eq!(counts(engine, None, "fly").await, ["3", "1", "3", "3"]);
    let names: Vec<_> =
        engine.data_sources().await.unwrap().into_iter().map(|source| source.name).collect();
    assert_eq!(names, ["Shop", "fly"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_data_source_is_hidden_and_its_records_stay() {
    let ledger = Ledger::open(today()).await;
    let engine = &ledger.engine;
    create(engine, "a", "Shop").await.unwrap();
    push(engine, "a", 0..2).await;
    engine.set_pull("a", json!({}), None).await.unwrap();
    assert!(engine.delete_data_source("a").await.unwrap());
    assert!(!engine.delete_data_source("a").await.unwrap());
    assert_eq!(engine.data_source("a").await.unwrap(), None);
    assert_eq!(engine.data_sources().await.unwrap(), []);
    assert_eq!(engine.pull("a").await.unwrap(), None);
    assert_eq!(engine.update_data_source("a", Some("x"), None).await.unwrap(), None);
    engine.flush().await.unwrap();
    assert_eq!(counts(engine, None, "a").await, ["2", "1", "2", "2"]);
    // Its name is free: a push under the name does not go to the deleted source.
    let anew = create(engine, "b", "Shop").await.unwrap();
    push(engine, "Shop", 0..1).await;
    // A push to its id creates it again, with its id as the name, because the name is taken.
    push(engine, "a", 2..3).await;
    engine.flush().await.unwrap();
    assert_eq!(counts(engine, None, "a").await[0], "3");
    assert_eq!(counts(engine, None, "b").await[0], "1");
    assert_eq!(engine.data_source("Shop").await.unwrap(), Some(anew));
    assert_eq!(engine.data_source("a").await.unwrap().unwrap().name, "a");
    ledger.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_deletes_published_and_pending_records_of_one_source() {
    let dir = TempDir::new().unwrap();
    let engine = open_without_flushes(dir.path(), PushLimits::default()).await;
    create(&engine, "shop", "Shop").await.unwrap();
    engine.set_pull("shop", json!({"url": "https://shop.example"}), None).await.unwrap();
    push(&engine, "app", 0..10).await;
    push(&engine, "shop", 0..30).await;
    engine.flush().await.unwrap();
    let before = engine.snapshot(None).await.unwrap().id();
    // The hidden invoice of a deleted customer is deleted too.
    engine.delete("shop", ObjectType::Customers, &["c00003".to_string()]).await.unwrap();
    push(&engine, "shop", 40..45).await;
    let mut told = Vec::new();
    let deleted = engine.reset_data_source("shop", |so_far| told.push(so_far)).await.unwrap();
    assert_eq!((deleted, told.last()), (35 + 34 + 1, Some(&70)));
    assert!(told.is_sorted());
    assert_eq!(counts(&engine, None, "shop").await, ["0", "0", "0", "0"]);
    assert_eq!(counts(&engine, None, "app").await, ["10", "1", "10", "10"]);
    assert_eq!(
        counts(&engine, Some(Past::Snapshot(before)), "shop").await,
        ["30", "1", "30", "30"]
    );
    assert!(engine.data_source("shop").await.unwrap().is_some());
    assert!(engine.pull("shop").await.unwrap().is_some());
    assert!(engine.verify().await.unwrap().holds());
    assert_eq!(engine.reset_data_source("shop", |_| {}).await.unwrap(), 0);
    // A record that is sent again is created; the hidden invoice does not come back with its
    // customer.
    push(&engine, "shop", 3..4).await;
    engine.flush().await.unwrap();
    assert_eq!(counts(&engine, None, "shop").await, ["1", "1", "1", "1"]);
    engine.compact().await.unwrap();
    assert!(engine.verify().await.unwrap().holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_data_source_can_be_reset_and_stays_deleted() {
    let ledger = Ledger::open(today()).await;
    let engine = &ledger.engine;
    push(engine, "shop", 0..5).await;
    engine.delete_data_source("shop").await.unwrap();
    assert_eq!(engine.reset_data_source("shop", |_| {}).await.unwrap(), 11);
    assert_eq!(counts(engine, None, "shop").await, ["0", "0", "0", "0"]);
    assert_eq!(engine.data_sources().await.unwrap(), []);
    let never = engine.reset_data_source("nowhere", |_| {}).await;
    assert!(matches!(never, Err(Error::Argument(_))), "{never:?}");
    // Deleting missing records does not create the source either.
    engine.delete("nowhere", ObjectType::Plans, &["p".to_string()]).await.unwrap();
    assert_eq!(engine.data_sources().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_succeeds_while_others_push() {
    let dir = TempDir::new().unwrap();
    let limits = PushLimits { inbox_bytes: 300_000, ..PushLimits::default() };
    let engine = Arc::new(open_without_flushes(dir.path(), limits).await);
    for from in (0..6_000).step_by(1_000) {
        push(&engine, "shop", from..from + 1_000).await;
        engine.flush().await.unwrap();
    }
    let at_work = Arc::clone(&engine);
    let pushing = tokio::spawn(async move {
        let mut pushed = 0;
        for at in 0..200 {
            let row =
                json!({"id": format!("c{at}"), "name": "x".repeat(5_000)}).to_string().into_bytes();
            let options = PushOptions::default();
            match at_work.push("app", Some(ObjectType::Customers), row, &options).await {
                Ok(_) => pushed += 1,
                Err(Error::Overloaded) => {}
                Err(error) => panic!("{error}"),
            }
        }
        pushed
    });
    assert_eq!(engine.reset_data_source("shop", |_| {}).await.unwrap(), 12_001);
    let pushed: u32 = pushing.await.unwrap();
    engine.flush().await.unwrap();
    assert_eq!(counts(&engine, None, "shop").await, ["0", "0", "0", "0"]);
    assert_eq!(counts(&engine, None, "app").await[0], pushed.to_string());
    assert!(engine.verify().await.unwrap().holds());
}

#[tokio::test]
async fn pull_settings_of_a_data_source_are_read_as_they_were_set() {
    let ledger = Ledger::open(today()).await;
    let engine = &ledger.engine;
    let refused = engine.set_pull("shop", json!({}), None).await;
    assert!(matches!(refused, Err(Error::Argument(_))), "{refused:?}");
    create(engine, "shop", "Shop").await.unwrap();
    create(engine, "app", "App").await.unwrap();
    let settings = json!({"url": "https://shop.example/export?a=1", "types": ["customers"],
        "n": 1.5, "z": null});
    let set = engine.set_pull("shop", settings.clone(), Some(vec![0, 255, 7])).await.unwrap();
    assert_eq!(
        (&set.settings, set.sealed_credentials.as_deref()),
        (&settings, Some(&[0, 255, 7][..]))
    );
    assert_eq!(engine.pull("shop").await.unwrap(), Some(set.clone()));
    assert!(!serde_json::to_string(&set).unwrap().contains("credentials"));
    let again = engine.set_pull("shop", json!({"url": "https://new.example"}), None).await.unwrap();
    let other = engine.set_pull("app", json!([]), None).await.unwrap();
    assert_eq!(engine.pulls().await.unwrap(), [other, again]);
    assert!(engine.delete_pull("shop").await.unwrap());
    assert!(!engine.delete_pull("shop").await.unwrap());
    assert_eq!(engine.pull("shop").await.unwrap(), None);
}
