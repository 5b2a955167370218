//! `mrrow serve` is killed again and again while many push to it: every request that was
//! acknowledged is there afterwards, and none half. `MRROW_PUSHERS=64 MRROW_SECONDS=60` is the long
//! run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::json;

use super::checks::holds;
use super::number_from_environment;
use crate::run::Place;
use crate::served::Served;

/// Invoices of one request.
const ROWS: u64 = 3;

/// How long a server lives until it is killed.
const LIVES: [Duration; 3] =
    [Duration::from_millis(400), Duration::from_millis(1500), Duration::from_millis(2600)];

/// What the pushers share.
struct Pushing {
    /// Where the server is; none while there is none.
    url: Mutex<Option<String>>,
    key: String,
    over: AtomicBool,
    /// Requests that were sent, and whether they were acknowledged.
    sent: Mutex<BTreeMap<(u64, u64), bool>>,
}

fn id(pusher: u64, request: u64, row: u64) -> String {
    format!("i_{pusher}_{request}_{row}")
}

async fn push_until_over(pushing: Arc<Pushing>, pusher: u64) {
    // Another test may have chosen already; any will do, nothing is encrypted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
    let mut request = 0;
    while !pushing.over.load(Ordering::Acquire) {
        let Some(url) = pushing.url.lock().unwrap().clone() else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        request += 1;
        let invoices: Vec<_> = (0..ROWS)
            .map(|row| {
                json!({"id": id(pusher, request, row), "customer_id": "c", "type": "one-time", "invoice_date": "2025-01-01",
                       "amount": request, "currency": "USD"})
            })
            .collect();
        pushing.sent.lock().unwrap().insert((pusher, request), false);
        let to = format!("{url}/v1/data-sources/web/invoices");
        let answer = client.post(to).bearer_auth(&pushing.key).json(&invoices).send().await;
        match answer {
            Ok(answer) if answer.status() == 200 => {
                // Only an answer that has arrived whole counts.
                if answer
                    .json::<serde_json::Value>()
                    .await
                    .is_ok_and(|answer| answer["sequence"].is_i64())
                {
                    pushing.sent.lock().unwrap().insert((pusher, request), true);
                }
            }
            Ok(answer) => {
                assert_eq!(answer.status(), 503, "{}", answer.text().await.unwrap());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            // The server was killed.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

fn stored(place: &Place) -> BTreeSet<String> {
    let ids = place.ok(&["sql", "-c", "select id from invoices", "--format", "csv"]);
    ids.lines().skip(1).map(str::to_string).collect()
}

#[test]
fn a_killed_server_loses_nothing_acknowledged_and_keeps_nothing_half() {
    let pushers = u64::from(number_from_environment("MRROW_PUSHERS").unwrap_or(16));
    let seconds = number_from_environment("MRROW_SECONDS").unwrap_or(6);
    let place = Place::new();
    place.ok(&["sources", "create", "Web", "--id", "web"]);
    place.run_with_input(
        &["push", "customers", "-", "--source", "web"],
        br#"{"id": "c", "name": "C"}"#,
    );
    let key =
        place.ok(&["keys", "create", "--name", "pushers", "--role", "admin"]).trim().to_string();
    let pushing = Arc::new(Pushing {
        url: Mutex::default(),
        key,
        over: AtomicBool::new(false),
        sent: Mutex::default(),
    });
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let at_work: Vec<_> = (0..pushers)
        .map(|pusher| runtime.spawn(push_until_over(Arc::clone(&pushing), pusher)))
        .collect();

    let until = Instant::now() + Duration::from_secs(seconds.into());
    let mut killed = 0;
    while Instant::now() < until {
        let mut server = Served::start(&place, &[]);
        *pushing.url.lock().unwrap() = Some(server.url.clone());
        std::thread::sleep(LIVES[killed % LIVES.len()]);
        server.kill();
        *pushing.url.lock().unwrap() = None;
        killed += 1;
    }
    pushing.over.store(true, Ordering::Release);
    runtime.block_on(async {
        for pusher in at_work {
            pusher.await.unwrap();
        }
    });

    let sent = pushing.sent.lock().unwrap();
    let acknowledged = sent.values().filter(|acknowledged| **acknowledged).count();
    assert!(
        killed > 1 && acknowledged > 0,
        "killed {killed} times, {acknowledged} requests acknowledged"
    );
    let found = stored(&place);
    for ((pusher, request), acknowledged) in sent.iter() {
        let rows =
            (0..ROWS).filter(|row| found.contains(&id(*pusher, *request, *row))).count() as u64;
        let whole = if *acknowledged { rows == ROWS } else { rows == 0 || rows == ROWS };
        assert!(
            whole,
            "{rows} of {ROWS} rows of request {request} of pusher {pusher}, acknowledged: {acknowledged}"
        );
    }
    assert!(found.len() as u64 <= sent.len() as u64 * ROWS);
    holds(&place);
}
