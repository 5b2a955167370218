//! API keys: the access and the lifetime of each; the text of a key is stored nowhere.

use std::path::Path;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use mrrow_engine::access::{ApiKey, NewKey, Role};
use mrrow_engine::sources::NewDataSource;
use mrrow_engine::{Engine, Error};
use tempfile::TempDir;

use crate::ledger::{Clock, Ledger, config};

fn today() -> NaiveDate {
    "2024-03-01".parse().unwrap()
}

fn key(name: &str, role: Role) -> NewKey {
    NewKey { name: name.to_string(), role, data_sources: None, expires_at: None }
}

async fn create(engine: &Engine, new: &NewKey, seed: u8) -> (ApiKey, String) {
    engine.create_key(new, [seed; 32]).await.unwrap()
}

async fn with_sources(engine: &Engine, ids: &[&str]) {
    for id in ids {
        let new = NewDataSource { id: Some(id.to_string()), name: id.to_uppercase(), kind: None };
        engine.create_data_source(new, [0; 16]).await.unwrap();
    }
}

#[tokio::test]
async fn key_is_found_by_its_text_and_listed_without_it() {
    let ledger = Ledger::open(today()).await;
    let engine = &ledger.engine;
    let (admin, text) = create(engine, &key("ops", Role::Admin), 1).await;
    let (viewer, other) = create(engine, &key("dashboard", Role::Viewer), 2).await;
    assert!(text.starts_with("mrrow_") && text.len() == 49 && text != other, "{text}");
    assert_eq!(engine.key_of(&text).await.unwrap(), Some(admin.clone()));
    assert_eq!(engine.valid_key(&other).await.unwrap(), Some(viewer.clone()));
    for wrong in ["", "mrrow_", &text[..48], &admin.id, &format!("{text} ")] {
        assert_eq!(engine.key_of(wrong).await.unwrap(), None, "{wrong}");
    }
    let told = format!("{admin:?}{}", serde_json::to_string(&admin).unwrap());
    assert!(!told.contains(&text[6..]));
    assert_eq!(engine.keys().await.unwrap(), [admin, viewer]);
    assert!(
        engine.create_key(&key("again", Role::Admin), [1; 32]).await.is_err(),
        "the same key twice"
    );
}

#[tokio::test]
async fn key_is_valid_until_it_expires() {
    let (dir, clock) = (TempDir::new().unwrap(), Clock::on(today()));
    let engine = Engine::open(config(dir.path(), &clock)).await.unwrap();
    let expires_at = clock.now() + TimeDelta::hours(1);
    let new = NewKey { expires_at: Some(expires_at), ..key("short", Role::Viewer) };
    let (short, text) = create(&engine, &new, 1).await;
    assert_eq!(short.expires_at, Some(expires_at));
    clock.advance(TimeDelta::minutes(60) - TimeDelta::microseconds(1));
    assert_eq!(engine.valid_key(&text).await.unwrap(), Some(short.clone()));
    clock.advance(TimeDelta::microseconds(1));
    assert_eq!(engine.valid_key(&text).await.unwrap(), None);
    assert_eq!(engine.key_of(&text).await.unwrap(), Some(short));
    let late = engine.create_key(&new, [2; 32]).await;
    assert!(matches!(late, Err(Error::Argument(_))), "{late:?}");
}

#[tokio::test]
async fn revoked_key_is_invalid_and_stays_listed() {
    let (dir, clock) = (TempDir::new().unwrap(), Clock::on(today()));
    let engine = Engine::open(config(dir.path(), &clock)).await.unwrap();
    let (first, text) = create(&engine, &key("twice", Role::Admin), 1).await;
    let (second, _) = create(&engine, &key("twice", Role::Admin), 2).await;
    let ambiguous = engine.revoke_key("twice").await.unwrap_err().to_string();
    assert!(ambiguous.contains(&first.id) && ambiguous.contains(&second.id), "{ambiguous}");
    let revoked_at: DateTime<Utc> = clock.now();
    let revoked = engine.revoke_key(&first.id).await.unwrap().unwrap();
    assert_eq!(revoked, ApiKey { revoked_at: Some(revoked_at), ..first.clone() });
    assert_eq!(engine.valid_key(&text).await.unwrap(), None);
    clock.advance(TimeDelta::days(1));
    assert_eq!(engine.revoke_key(&first.id).await.unwrap().unwrap().revoked_at, Some(revoked_at));
    // One valid key is left under the name, so the name identifies it.
    assert_eq!(engine.revoke_key("twice").await.unwrap().unwrap().id, second.id);
    assert!(engine.revoke_key("twice").await.unwrap().is_some());
    assert_eq!(engine.revoke_key("nobody").await.unwrap(), None);
    assert_eq!(engine.keys().await.unwrap().len(), 2);
}

#[tokio::test]
async fn restricted_key_reads_its_data_sources_only() {
    let ledger = Ledger::open(today()).await;
    with_sources(&ledger.engine, &["shop", "app", "old"]).await;
    let restricted = |sources: &[&str]| NewKey {
        data_sources: Some(sources.iter().map(|source| source.to_string()).collect()),
        ..key("sender", Role::Admin)
    };
    // By id and by name, and one of them twice.
    let (made, text) = create(&ledger.engine, &restricted(&["shop", "APP", "app"]), 1).await;
    assert_eq!(made.data_sources, Some(vec!["shop".to_string(), "app".to_string()]));
    assert_eq!(ledger.engine.key_of(&text).await.unwrap(), Some(made.clone()));
    assert!(made.sees("shop") && made.sees("app") && !made.sees("old") && !made.sees(""));
    assert!(create(&ledger.engine, &key("all", Role::Admin), 2).await.0.sees("old"));
    ledger.engine.delete_data_source("old").await.unwrap();
    let refused =
        ledger.engine.create_key(&restricted(&["shop", "new", "old"]), [3; 32]).await.unwrap_err();
    assert_eq!(refused.to_string(), "there is no data source \"new\", \"old\"; create it first");
    let nothing = ledger.engine.create_key(&restricted(&[]), [3; 32]).await;
    assert!(matches!(nothing, Err(Error::Argument(_))), "{nothing:?}");
}

#[tokio::test]
async fn key_without_a_name_is_refused() {
    let ledger = Ledger::open(today()).await;
    for name in ["", " ", "a\nb"] {
        let refused = ledger.engine.create_key(&key(name, Role::Admin), [1; 32]).await;
        assert!(matches!(refused, Err(Error::Argument(_))), "{refused:?}");
    }
}

/// Whether any file of a directory contains these bytes.
fn has_bytes(dir: &Path, bytes: &[u8]) -> bool {
    dir.read_dir().unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return has_bytes(&path, bytes);
        }
        std::fs::read(&path).unwrap().windows(bytes.len()).any(|window| window == bytes)
    })
}

#[tokio::test]
async fn no_file_contains_the_text_of_a_key() {
    let ledger = Ledger::open(today()).await;
    let mut texts = Vec::new();
    for seed in 1..20 {
        let (made, text) =
            create(&ledger.engine, &key("named-so-that-it-is-found", Role::Admin), seed).await;
        ledger.engine.key_of(&text).await.unwrap();
        ledger.engine.revoke_key(&made.id).await.unwrap();
        texts.push((text, [seed; 32]));
    }
    let ledger_dir = ledger.dir.path();
    assert!(
        has_bytes(ledger_dir, b"named-so-that-it-is-found"),
        "the catalog and its log are looked through"
    );
    for (text, secret) in &texts {
        assert!(!has_bytes(ledger_dir, &text.as_bytes()[6..]) && !has_bytes(ledger_dir, secret));
    }
    ledger.engine.close().await.unwrap();
    assert!(texts.iter().all(|(text, _)| !has_bytes(ledger.dir.path(), &text.as_bytes()[6..])));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_create_and_revoke_keys_in_one_directory() {
    let ledger = Ledger::open(today()).await;
    ledger.engine.start_writing().await.unwrap();
    let other = Engine::open(config(ledger.dir.path(), &Clock::on(today()))).await.unwrap();
    let (here, there) = (key("here", Role::Admin), key("there", Role::Viewer));
    let make = async |engine: &Engine, new: &NewKey, first: u8| {
        for seed in first..first + 20 {
            create(engine, new, seed).await;
        }
    };
    tokio::join!(make(&ledger.engine, &here, 1), make(&other, &there, 101));
    assert_eq!(ledger.engine.keys().await.unwrap().len(), 40);
    let (made, text) = create(&other, &key("late", Role::Admin), 200).await;
    assert_eq!(ledger.engine.valid_key(&text).await.unwrap(), Some(made));
    ledger.engine.revoke_key("late").await.unwrap();
    assert_eq!(other.valid_key(&text).await.unwrap(), None);
}
