//! Everything that a store answers, as JSON that programs of every form make alike.

use mrrow_engine::{Engine, Past, Snapshot};
use serde_json::{Map, Value, json};

use super::make::{ADMIN_SECRET, REVOKED_SECRET, VIEWER_SECRET, last_request};
use crate::ledger::{movements, movements_request, rows, texts};

const SETTINGS: [&str; 7] = [
    "timezone",
    "churn_recognition",
    "grace_days",
    "refunds",
    "prorations",
    "discounts",
    "base_currency",
];

/// The public tables, with the columns and the order that are compared.
const TABLES: [(&str, &str); 3] = [
    (
        "customers",
        "select data_source, id, name, coalesce(country, '-'), coalesce(email, '-') \
         from customers order by 1, 2",
    ),
    (
        "plans",
        "select data_source, id, name, \"interval\", interval_count from plans order by 1, 2",
    ),
    (
        "invoices",
        "select data_source, id, customer_id, subscription_id, plan_id, amount, currency \
         from invoices order by 1, 2",
    ),
];

/// Instants between the snapshots of the fixture.
const KNOWN_AT: [&str; 3] =
    ["2024-01-20T00:00:00Z", "2024-02-20T00:00:00Z", "2024-03-05T10:30:00Z"];

/// The answers by subject.
pub(super) async fn answers(engine: &Engine) -> Map<String, Value> {
    let mut answers = accounts(engine).await;
    let settings = engine.settings().await.unwrap();
    let settings = SETTINGS.map(|name| (name.to_string(), json!(settings.get(name).unwrap())));
    answers.insert("settings".to_string(), Value::Object(settings.into_iter().collect()));
    let mut snapshots = Vec::new();
    for kept in engine.snapshots().await.unwrap() {
        let snapshot = engine.snapshot_of(Past::Snapshot(kept.snapshot), None).await.unwrap();
        snapshots.push(json!({
            "id": kept.snapshot, "committed_at": kept.committed_at, "cause": kept.cause,
            "last_sequence": kept.last_sequence, "has_files": kept.has_files,
            "answers": answers_of(&snapshot).await,
        }));
    }
    answers.insert("snapshots".to_string(), Value::Array(snapshots));
    for instant in KNOWN_AT {
        let past = Past::KnownAt(instant.parse().unwrap());
        let snapshot = engine.snapshot_of(past, None).await.unwrap();
        answers.insert(format!("known at {instant}"), answers_of(&snapshot).await);
    }
    let newest = engine.snapshot(None).await.unwrap();
    answers.insert("newest".to_string(), answers_of(&newest).await);
    answers
}

/// The answer to the last request of the fixture, which is sent again under its idempotency key.
pub(super) async fn repeat_last_request(engine: &Engine) -> Value {
    let pushed = last_request(engine).await;
    json!({"sequence": pushed.sequence, "replayed": pushed.replayed, "rows": pushed.result})
}

async fn answers_of(snapshot: &Snapshot) -> Value {
    let mut answers = Map::new();
    answers.insert("as_of".to_string(), json!(snapshot.as_of()));
    answers.insert("timezone".to_string(), json!(snapshot.settings().timezone.name()));
    for (name, sql) in TABLES {
        let rows = texts(&rows(snapshot.sql(sql).await.unwrap()).await);
        answers.insert(name.to_string(), lines(rows));
    }
    let movements = movements(&rows(snapshot.report(&movements_request()).await.unwrap()).await);
    let movements = movements.into_iter().map(|row| {
        vec![row.date, row.customer_id, row.currency, row.kind, row.amount, row.mrr_after]
    });
    answers.insert("movements".to_string(), lines(movements));
    Value::Object(answers)
}

fn lines(rows: impl IntoIterator<Item = Vec<String>>) -> Value {
    rows.into_iter().map(|row| row.join(" | ")).collect()
}

/// Data sources, pulls, keys, plan groups and jobs.
async fn accounts(engine: &Engine) -> Map<String, Value> {
    let mut keys = Vec::new();
    for secret in [ADMIN_SECRET, VIEWER_SECRET, REVOKED_SECRET] {
        keys.push(engine.key_of(&text_of(secret)).await.unwrap());
    }
    let pulls = engine.pulls().await.unwrap();
    let sealed: Vec<_> = pulls.iter().map(|pull| pull.sealed_credentials.clone()).collect();
    let groups = engine.plan_groups().await.unwrap();
    let members: Vec<Vec<&str>> = groups
        .iter()
        .map(|group| {
            let plans = ["basic", "team", "year"].into_iter();
            plans.filter(|plan| group.takes(plan, "A plan")).collect()
        })
        .collect();
    let accounts = json!({
        "data sources": engine.data_sources().await.unwrap(), "keys": keys,
        "all keys": engine.keys().await.unwrap().len(), "pulls": pulls, "credentials": sealed,
        "plan groups": groups, "members of plan groups": members,
        "jobs": engine.jobs(None, None, 100).await.unwrap(),
    });
    accounts.as_object().cloned().unwrap()
}

/// The text of the API key that is made of a secret.
fn text_of(secret: [u8; 32]) -> String {
    use base64::Engine as _;
    let secret = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret);
    format!("mrrow_{secret}")
}
