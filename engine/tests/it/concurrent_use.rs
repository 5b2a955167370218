//! Concurrent work in one process: pushes, reads, an import, compactions and changes of settings.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mrrow_engine::import::{ImportOptions, Input};
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::{PushOptions, PushResult};
use mrrow_engine::{Engine, RowStatus};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::books::chance::Chance;
use crate::ledger::{Ledger, rows, texts};

const TODAY: &str = "2024-03-01";
const PUSHERS: i64 = 16;
const REQUESTS: i64 = 12;
/// Ids that one task writes, and ids that all tasks write.
const OWN_IDS: i64 = 6;
const SHARED_IDS: i64 = 20;
const CUSTOMERS: i64 = 24;

fn customers() -> Vec<Value> {
    (0..CUSTOMERS)
        .map(|number| json!({"id": format!("c{number}"), "name": format!("Customer {number}")}))
        .collect()
}

fn plans() -> Value {
    json!([{"id": "p", "name": "P", "interval": "month", "interval_count": 1, "currency": "USD"}])
}

fn invoice(id: &str, customer: i64, amount: i64) -> Value {
    json!({
        "id": id, "customer_id": format!("c{customer}"), "type": "subscription",
        "invoice_date": "2024-01-01",
        "amount": amount, "currency": "USD", "plan_id": "p",
    })
}

/// An acknowledged row: its place in the order of all rows, its status, and its content.
struct Acknowledged {
    place: (i64, i64),
    status: RowStatus,
    row: Value,
}

/// Pushes requests of several rows and returns the acknowledged rows. A request names each id once.
async fn push(engine: Arc<Engine>, number: i64) -> Vec<Acknowledged> {
    let mut chance = Chance::new(number.unsigned_abs());
    let mut acknowledged = Vec::new();
    for request in 0..REQUESTS {
        let mut rows = BTreeMap::new();
        for at in 0..chance.between(1, 5) {
            let own = format!("own-{number}-{}", chance.between(1, OWN_IDS));
            let shared = format!("shared-{}", chance.between(1, SHARED_IDS));
            let id = if chance.percent(50) { own } else { shared };
            // Sometimes also ids that the other tasks write.
            let (customer, amount) = match chance.percent(20) {
                true => (0, 7),
                false => (chance.between(0, CUSTOMERS - 1), number * 1000 + request * 10 + at + 10),
            };
            rows.insert(id.clone(), invoice(&id, customer, amount));
        }
        let rows: Vec<Value> = rows.into_values().collect();
        let bytes = json!(rows).to_string().into_bytes();
        let pushed = engine
            .push("default", Some(ObjectType::Invoices), bytes, &PushOptions::default())
            .await
            .unwrap();
        acknowledged.extend(of_request(&pushed, rows));
    }
    acknowledged
}

fn of_request(pushed: &PushResult, rows: Vec<Value>) -> Vec<Acknowledged> {
    assert!(pushed.stored && pushed.rejections.is_empty(), "{pushed:?}");
    // A request that changes nothing gets no sequences: its place is after the rows
    // acknowledged before it.
    let nothing_new = pushed.result.iter().all(|row| row.status == RowStatus::Unchanged);
    let first = pushed.sequence + 1 - rows.len() as i64;
    let pairs = rows.into_iter().zip(&pushed.result).zip(0..);
    pairs
        .map(|((row, answer), at)| {
            assert_eq!(row["id"], answer.id.as_str());
            let place = if nothing_new { (pushed.sequence, 1) } else { (first + at, 0) };
            Acknowledged { place, status: answer.status, row }
        })
        .collect()
}

/// Asserts that each status follows from the version before it, and returns the last version of
/// each id.
fn last_versions(mut acknowledged: Vec<Acknowledged>) -> BTreeMap<String, Value> {
    acknowledged.sort_by_key(|row| row.place);
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    for Acknowledged { status, row, .. } in acknowledged {
        let id = row["id"].as_str().unwrap().to_string();
        let before = last.insert(id, row.clone());
        let expected = match before {
            None => RowStatus::Created,
            Some(before) if before == row => RowStatus::Unchanged,
            Some(_) => RowStatus::Updated,
        };
        assert_eq!(status, expected, "{row}");
    }
    last
}

/// Reads until `stop` is set. Every snapshot is consistent, and none is older than the one before.
async fn read(engine: Arc<Engine>, stop: Arc<AtomicBool>) -> usize {
    let (mut reads, mut newest) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let snapshot = engine.snapshot(None).await.unwrap();
        assert!(snapshot.id() >= newest, "a snapshot is older than the one before");
        newest = snapshot.id();
        for query in [
            "select id from invoices group by data_source, id having count(*) > 1",
            "select customer_id from invoices \
             except select customer_id from movements where type = 'new'",
            "select customer_id from movements except select customer_id from invoices",
        ] {
            let odd = texts(&rows(snapshot.sql(query).await.unwrap()).await);
            assert!(odd.is_empty(), "{query}: {odd:?} in snapshot {newest}");
        }
        let found = engine.verify().await.unwrap();
        assert!(found.holds(), "{:?}", found.failures);
        reads += 1;
    }
    reads
}

/// Imports invoices of its own, for customers and a plan that are stored.
async fn import(engine: Arc<Engine>, invoices: Vec<Value>) {
    let book = json!({"customers": customers(), "plans": plans(), "invoices": invoices});
    let input = Input::bytes("book", None, book.to_string().into_bytes());
    let summary = engine.import(vec![input], &ImportOptions::default()).await.unwrap();
    let total = summary.total();
    assert_eq!((total.created, total.updated, total.rejected), (invoices.len() as u64, 0, 0));
}

/// Changes settings and compacts repeatedly; the last change sets `refunds` to `ignore`.
async fn change_settings_and_compact(engine: Arc<Engine>) {
    for value in ["ignore", "reduce", "ignore"] {
        engine.set_setting("refunds", value).await.unwrap();
        engine.compact().await.unwrap();
    }
}

async fn sorted(ledger: &Ledger, table: &str) -> Vec<Vec<String>> {
    let mut rows = ledger.sql(&format!("select * from {table}")).await;
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_work_equals_one_import_of_the_acknowledged_rows() {
    let crowded = Ledger::open(TODAY.parse().unwrap()).await;
    crowded.import(&json!({"customers": customers(), "plans": plans()})).await;
    let Ledger { engine, dir } = crowded;
    let engine = Arc::new(engine);
    let imported: Vec<Value> = (0..200)
        .map(|number| invoice(&format!("imported-{number}"), number % CUSTOMERS, 5))
        .collect();

    let stop = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    (0..2).for_each(|_| drop(readers.spawn(read(Arc::clone(&engine), Arc::clone(&stop)))));
    let mut writers = JoinSet::new();
    writers.spawn(import(Arc::clone(&engine), imported.clone()));
    writers.spawn(change_settings_and_compact(Arc::clone(&engine)));
    let mut pushers = JoinSet::new();
    (0..PUSHERS).for_each(|number| drop(pushers.spawn(push(Arc::clone(&engine), number))));

    let last = last_versions(pushers.join_all().await.into_iter().flatten().collect());
    writers.join_all().await;
    engine.flush().await.unwrap();
    stop.store(true, Ordering::Relaxed);
    assert!(readers.join_all().await.into_iter().all(|reads| reads > 0));

    let engine = Arc::into_inner(engine).unwrap();
    let crowded = Ledger { engine, dir };
    crowded.verify().await;
    assert_eq!(crowded.engine.status().await.unwrap().waiting_rows, 0);
    let alone = Ledger::open(TODAY.parse().unwrap()).await;
    alone.engine.set_setting("refunds", "ignore").await.unwrap();
    let invoices: Vec<Value> = last.into_values().chain(imported).collect();
    alone.import(&json!({"customers": customers(), "plans": plans(), "invoices": invoices})).await;
    for table in ["customers", "plans", "invoices", "mrr_lines", "movements", "scheduled_movements"]
    {
        assert_eq!(sorted(&crowded, table).await, sorted(&alone, table).await, "{table}");
    }
}
