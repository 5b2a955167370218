//! Writes a store that has something of everything, up to an acknowledgement that is not published.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use mrrow_engine::access::{NewKey, Role};
use mrrow_engine::jobs::{Job, JobState};
use mrrow_engine::model::ObjectType;
use mrrow_engine::plan_groups::{GroupDefinition, GroupKind, SelectorType};
use mrrow_engine::push::{IdempotencyKey, PushOptions, PushResult};
use mrrow_engine::sources::NewDataSource;
use mrrow_engine::{Config, Engine};
use serde_json::{Value, json};

use crate::ledger::{Clock, config};

/// When the writer is killed, and the store is opened again.
pub(super) const NOW: &str = "2024-03-06T09:00:00Z";

pub(super) const ADMIN_SECRET: [u8; 32] = [1; 32];
pub(super) const VIEWER_SECRET: [u8; 32] = [2; 32];
pub(super) const REVOKED_SECRET: [u8; 32] = [3; 32];

/// A clock that stands at an instant.
pub(super) fn clock_at(instant: &str) -> Clock {
    let instant: DateTime<Utc> = instant.parse().unwrap();
    let clock = Clock::on(instant.date_naive());
    clock.advance(instant - clock.now());
    clock
}

/// Acknowledged rows are published by `flush` and `open` alone.
pub(super) fn config_at(dir: &Path, clock: &Clock) -> Config {
    let mut config = config(dir, clock);
    config.push.flush_after = Duration::from_secs(24 * 60 * 60);
    config
}

/// Writes the store. The last pushes are acknowledged and not published when it returns.
pub(super) async fn write_store(dir: &Path) {
    let clock = clock_at("2024-01-10T10:00:00Z");
    let engine = Engine::open(config_at(dir, &clock)).await.unwrap();
    write_accounts(&engine, &clock).await;
    write_january(&engine).await;
    advance_to(&clock, "2024-02-10T10:00:00Z");
    write_february(&engine, &clock).await;
    advance_to(&clock, "2024-03-05T10:00:00Z");
    write_march(&engine, &clock).await;
    // Closing moves the log of the catalog into its file, so that the log holds the inbox alone.
    engine.close().await.unwrap();
    advance_to(&clock, NOW);
    let engine = Engine::open(config_at(dir, &clock)).await.unwrap();
    write_unpublished(&engine).await;
    assert!(engine.status().await.unwrap().waiting_rows > 0);
    // The caller ends the process; dropping the engine would not change the files either.
    std::mem::forget(engine);
}

fn advance_to(clock: &Clock, instant: &str) {
    clock.advance(instant.parse::<DateTime<Utc>>().unwrap() - clock.now());
}

/// Data sources, a pull, keys, plan groups and jobs.
async fn write_accounts(engine: &Engine, clock: &Clock) {
    for (id, name, kind) in [("shop", "Our shop", "stripe"), ("crm", "CRM", "manual")] {
        let [id, kind] = [id, kind].map(|text| Some(text.to_string()));
        let new = NewDataSource { id, name: name.to_string(), kind };
        engine.create_data_source(new, [0; 16]).await.unwrap();
    }
    let settings = json!({"url": "https://shop.example/v1", "schedule": "0 4 * * *"});
    engine.set_pull("shop", settings, Some(vec![7; 48])).await.unwrap();
    let expires_at = Some(clock.now() + TimeDelta::days(365));
    for (name, role, data_sources, expires_at, secret) in [
        ("ops", Role::Admin, None, None, ADMIN_SECRET),
        ("board", Role::Viewer, Some(vec!["shop".to_string()]), expires_at, VIEWER_SECRET),
        ("old", Role::Viewer, None, None, REVOKED_SECRET),
    ] {
        let new = NewKey { name: name.to_string(), role, data_sources, expires_at };
        engine.create_key(&new, secret).await.unwrap();
    }
    engine.revoke_key("old").await.unwrap();
    let manual = |name: &str, plans: &[&str]| GroupDefinition {
        name: name.to_string(),
        plans: plans.iter().map(|plan| plan.to_string()).collect(),
        ..GroupDefinition::default()
    };
    engine.put_plan_group("monthly", manual("Monthly", &["basic"])).await.unwrap();
    engine.put_plan_group("monthly", manual("Monthly", &["basic", "team"])).await.unwrap();
    engine.put_plan_group("gone", manual("Gone", &["basic"])).await.unwrap();
    engine.delete_plan_group("gone").await.unwrap();
    let yearly = GroupDefinition {
        name: "Yearly".to_string(),
        kind: GroupKind::Auto,
        selector_type: Some(SelectorType::Contains),
        selector: Some("year".to_string()),
        ..GroupDefinition::default()
    };
    engine.put_plan_group("yearly", yearly).await.unwrap();
    for (id, kind, state) in [
        ("job_1", "import", JobState::Done),
        ("job_2", "pull", JobState::Failed),
        ("job_3", "pull", JobState::Running),
    ] {
        let job = Job {
            id: id.to_string(),
            kind: kind.to_string(),
            data_source: "shop".to_string(),
            state,
            detail: json!({"pages": 3, "error": null}),
            created_at: clock.now(),
            updated_at: clock.now(),
        };
        engine.save_job(&job).await.unwrap();
    }
}

fn plan(id: &str, name: &str, interval: &str) -> Value {
    json!({
        "id": id, "name": name, "interval": interval, "interval_count": 1, "currency": "USD",
    })
}

/// Twelve customers, each with a monthly or yearly subscription.
async fn write_january(engine: &Engine) {
    let plans = [
        plan("basic", "Basic", "month"),
        plan("team", "Team", "month"),
        plan("year", "One year", "year"),
    ];
    push(engine, "shop", ObjectType::Plans, &plans, None).await;
    let customers: Vec<Value> = (1..=12)
        .map(|number| {
            let name = format!("Customer {number}");
            json!({"id": format!("c{number}"), "name": name, "country": "DE"})
        })
        .collect();
    push(engine, "shop", ObjectType::Customers, &customers, None).await;
    let crm = json!({"id": "lead", "name": "Lead", "email": "lead@example.com"});
    push(engine, "crm", ObjectType::Customers, &[crm], None).await;
    let invoices: Vec<Value> = (1..=12)
        .map(|number| match number % 4 {
            0 => invoice(number, "2023-12-15", "year", 120_000),
            _ => invoice(number, "2024-01-05", "basic", 1_000),
        })
        .collect();
    push(engine, "shop", ObjectType::Invoices, &invoices, None).await;
    engine.flush().await.unwrap();
}

/// Other settings, renewals, expansions and a deleted customer; everything is compacted.
async fn write_february(engine: &Engine, clock: &Clock) {
    engine.set_setting("timezone", "Europe/Berlin").await.unwrap();
    clock.advance(TimeDelta::minutes(20));
    let invoices: Vec<Value> = [1, 2, 3, 5, 6]
        .map(|number| match number % 2 {
            0 => invoice(number, "2024-02-05", "team", 2_500),
            _ => invoice(number, "2024-02-05", "basic", 1_000),
        })
        .to_vec();
    push(engine, "shop", ObjectType::Invoices, &invoices, None).await;
    let renamed = json!({"id": "c1", "name": "Customer One", "country": "FR"});
    push(engine, "shop", ObjectType::Customers, &[renamed], None).await;
    engine.flush().await.unwrap();
    engine.delete("shop", ObjectType::Customers, &["c11".to_string()]).await.unwrap();
    engine.flush().await.unwrap();
    engine.compact().await.unwrap();
}

/// Other settings again; the deltas of two publications lie over the base and the history.
async fn write_march(engine: &Engine, clock: &Clock) {
    engine.set_settings(&[("discounts", "gross"), ("grace_days", "7")]).await.unwrap();
    clock.advance(TimeDelta::minutes(20));
    let invoices: Vec<Value> =
        [1, 2, 3].map(|number| invoice(number, "2024-03-05", "team", 2_500)).to_vec();
    push(engine, "shop", ObjectType::Invoices, &invoices, None).await;
    engine.flush().await.unwrap();
    clock.advance(TimeDelta::minutes(20));
    let renamed = json!({"id": "c2", "name": "Customer Two", "country": "DE"});
    push(engine, "shop", ObjectType::Customers, &[renamed], Some("published")).await;
    engine.flush().await.unwrap();
}

/// Rows of every type, new, changed and deleted, that stay in the inbox.
async fn write_unpublished(engine: &Engine) {
    let customers = [
        json!({"id": "c13", "name": "Customer 13", "country": "AT"}),
        json!({"id": "c3", "name": "Customer Three", "country": "DE"}),
    ];
    push(engine, "shop", ObjectType::Customers, &customers, None).await;
    let gold = plan("gold", "Gold", "month");
    push(engine, "shop", ObjectType::Plans, &[gold], None).await;
    let invoices: Vec<Value> = [5, 13].map(|at| invoice(at, "2024-03-06", "gold", 9_900)).to_vec();
    push(engine, "shop", ObjectType::Invoices, &invoices, None).await;
    let deleted = ["c10".to_string(), "nobody".to_string()];
    engine.delete("shop", ObjectType::Customers, &deleted).await.unwrap();
    last_request(engine).await;
}

/// A request with an idempotency key, for a data source that it makes.
pub(super) async fn last_request(engine: &Engine) -> PushResult {
    let rows = [json!({"id": "d1", "name": "Desk", "country": "CH"})];
    push(engine, "desk", ObjectType::Customers, &rows, Some("unpublished")).await
}

fn invoice(customer: u32, on: &str, plan: &str, amount: i64) -> Value {
    json!({
        "id": format!("i{customer}-{on}"), "customer_id": format!("c{customer}"),
        "subscription_id": format!("s{customer}"), "type": "subscription", "invoice_date": on,
        "amount": amount, "currency": "USD", "plan_id": plan,
    })
}

async fn push(
    engine: &Engine,
    data_source: &str,
    object: ObjectType,
    rows: &[Value],
    key: Option<&str>,
) -> PushResult {
    let idempotency = key.map(|key| IdempotencyKey {
        scope: "fixture".to_string(),
        key: key.to_string(),
        fingerprint: [9; 32],
    });
    let options = PushOptions { idempotency, ..PushOptions::default() };
    let bytes = Value::Array(rows.to_vec()).to_string().into_bytes();
    let pushed = engine.push(data_source, Some(object), bytes, &options).await.unwrap();
    assert!(pushed.stored && pushed.rejections.is_empty(), "{:?}", pushed.rejections);
    pushed
}
