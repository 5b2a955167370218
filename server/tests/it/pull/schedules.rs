//! Scheduled syncs.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::endpoint::{Endpoint, page};
use super::test_server::{TestServer, config};

async fn wait_for_requests(endpoint: &Endpoint, count: usize) {
    let waiting = async {
        while endpoint.lines().len() < count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("the endpoint is request");
    // No further request follows.
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(endpoint.lines().len(), count);
}

#[tokio::test(flavor = "multi_thread")]
async fn interval_continues_after_a_restart() {
    let endpoint = Endpoint::start(|_| page(vec![], false)).await;
    let server = TestServer::start().await;
    let request =
        json!({"endpoint": endpoint.url(), "schedule": {"type": "interval", "seconds": 3600}});
    server.put("/v1/data-sources/ds/pull", &request, 200).await;
    wait_for_requests(&endpoint, 3).await;
    assert_eq!(
        server.get("/v1/data-sources/ds/pull").await["next_sync_at"],
        "2024-06-01T13:00:00Z"
    );
    server.pass(TimeDelta::minutes(59));
    wait_for_requests(&endpoint, 3).await;
    server.pass(TimeDelta::minutes(1));
    wait_for_requests(&endpoint, 6).await;
    server.pass(TimeDelta::minutes(30));
    let server = server.restart(config()).await;
    wait_for_requests(&endpoint, 6).await;
    server.pass(TimeDelta::minutes(30));
    wait_for_requests(&endpoint, 9).await;
    assert_eq!(server.ended().await["phase"], "done");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missed_run_is_made_up_once() {
    let endpoint = Endpoint::start(|_| page(vec![], false)).await;
    let server = TestServer::start().await;
    server.engine.set_setting("timezone", "Europe/Berlin").await.unwrap();
    let request =
        json!({"endpoint": endpoint.url(), "schedule": {"type": "cron", "cron": "0 3 * * *"}});
    let set = server.put("/v1/data-sources/ds/pull", &request, 200).await;
    assert_eq!(set["next_sync_at"], "2024-06-02T01:00:00Z");
    wait_for_requests(&endpoint, 0).await;
    server.pass(TimeDelta::days(5));
    wait_for_requests(&endpoint, 3).await;
    server.pull_from(&endpoint.url()).await;
    server.pass(TimeDelta::days(5));
    wait_for_requests(&endpoint, 3).await;
    server.stop().await;
}
