//! Kills `mrrow serve` repeatedly while clients push to it: every acknowledged request is stored,
//! and no request is stored in part. `MRROW_PUSHERS=64 MRROW_SECONDS=60` is the long run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::json;
use tokio::sync::watch;

use super::checks::verify;
use super::number_from_environment;
use crate::server_process::ServerProcess;
use crate::test_dir::TestDir;

/// ExpectedInvoices of one request.
const ROWS: u64 = 3;

/// The times from the first response of a server until it is killed.
const KILL_AFTER: [Duration; 3] =
    [Duration::from_millis(400), Duration::from_millis(1500), Duration::from_millis(2600)];

/// The sent requests by pusher and number, and whether each was acknowledged.
type SentRequests = Arc<Mutex<BTreeMap<(u64, u64), bool>>>;

/// The server as the pushers see it.
#[derive(Debug, Clone)]
enum ServerState {
    Down,
    Up { url: String },
    TestOver,
}

/// A client that pushes without a pause.
struct Pusher {
    number: u64,
    key: String,
    server: watch::Receiver<ServerState>,
    sent: SentRequests,
}

fn id(pusher: u64, request: u64, row: u64) -> String {
    format!("i_{pusher}_{request}_{row}")
}

impl Pusher {
    async fn run(mut self) {
        let client = Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
        for request in 1.. {
            let is_down = |state: &ServerState| matches!(state, ServerState::Down);
            let state = self.server.wait_for(|state| !is_down(state)).await.unwrap().clone();
            let ServerState::Up { url } = state else { return };
            if !self.push(&client, &url, request).await {
                // The server was killed: wait for the next one.
                self.server.changed().await.unwrap();
            }
        }
    }

    /// Pushes one request. Returns whether the server responded.
    async fn push(&self, client: &Client, url: &str, request: u64) -> bool {
        let invoices: Vec<_> = (0..ROWS)
            .map(|row| {
                json!({"id": id(self.number, request, row), "customer_id": "c", "type": "one-time",
                       "invoice_date": "2025-01-01", "amount": request, "currency": "USD"})
            })
            .collect();
        self.sent.lock().unwrap().insert((self.number, request), false);
        let path = format!("{url}/v1/data-sources/web/invoices");
        let Ok(response) = client.post(path).bearer_auth(&self.key).json(&invoices).send().await
        else {
            return false;
        };
        if response.status() != 200 {
            assert_eq!(response.status(), 503, "{}", response.text().await.unwrap());
            // The back-off of a client after 503.
            tokio::time::sleep(Duration::from_millis(50)).await;
            return true;
        }
        // Only a complete response counts as an acknowledgement.
        let body = response.json::<serde_json::Value>().await;
        let is_acknowledged = body.is_ok_and(|body| body["sequence"].is_i64());
        self.sent.lock().unwrap().insert((self.number, request), is_acknowledged);
        is_acknowledged
    }
}

fn stored(dir: &TestDir) -> BTreeSet<String> {
    let ids = dir.ok(&["sql", "-c", "select id from invoices", "--format", "csv"]);
    ids.lines().skip(1).map(str::to_string).collect()
}

#[test]
fn killed_server_loses_no_acknowledged_request_and_stores_none_in_part() {
    let pushers = u64::from(number_from_environment("MRROW_PUSHERS").unwrap_or(16));
    let seconds = number_from_environment("MRROW_SECONDS").unwrap_or(6);
    let dir = TestDir::new();
    dir.ok(&["sources", "create", "Web", "--id", "web"]);
    dir.run_with_input(
        &["push", "customers", "-", "--source", "web"],
        br#"{"id": "c", "name": "C"}"#,
    );
    let key =
        dir.ok(&["keys", "create", "--name", "pushers", "--role", "admin"]).trim().to_string();
    // Another test may have installed a provider; any one works, since nothing is encrypted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (server_state, receiver) = watch::channel(ServerState::Down);
    let sent = SentRequests::default();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let tasks: Vec<_> = (0..pushers)
        .map(|number| {
            let (key, server, sent) = (key.clone(), receiver.clone(), Arc::clone(&sent));
            runtime.spawn(Pusher { number, key, server, sent }.run())
        })
        .collect();

    let until = Instant::now() + Duration::from_secs(seconds.into());
    let mut killed = 0;
    while Instant::now() < until {
        let mut server = ServerProcess::start(&dir, &[]);
        server_state.send_replace(ServerState::Up { url: server.url.clone() });
        std::thread::sleep(KILL_AFTER[killed % KILL_AFTER.len()]);
        server.kill();
        server_state.send_replace(ServerState::Down);
        killed += 1;
    }
    server_state.send_replace(ServerState::TestOver);
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });

    let sent = sent.lock().unwrap();
    let acknowledged = sent.values().filter(|acknowledged| **acknowledged).count();
    assert!(
        killed > 1 && acknowledged > 0,
        "killed {killed} times, {acknowledged} requests acknowledged"
    );
    let found = stored(&dir);
    for ((pusher, request), acknowledged) in sent.iter() {
        let rows =
            (0..ROWS).filter(|row| found.contains(&id(*pusher, *request, *row))).count() as u64;
        let whole = if *acknowledged { rows == ROWS } else { rows == 0 || rows == ROWS };
        assert!(
            whole,
            "{rows} of {ROWS} rows of request {request} of pusher {pusher}, acknowledged: \
             {acknowledged}"
        );
    }
    assert!(found.len() as u64 <= sent.len() as u64 * ROWS);
    verify(&dir);
}
