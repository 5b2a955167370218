//! Syncs that begin by themselves.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::endpoint::{Endpoint, page};
use super::mrrow::{Mrrow, config};

async fn wait_for_requests(endpoint: &Endpoint, count: usize) {
    let waiting = async {
        while endpoint.lines().len() < count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("the endpoint is asked");
    // None that is not due comes after them.
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(endpoint.lines().len(), count);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_source_is_fetched_at_its_interval_also_after_a_restart() {
    let endpoint = Endpoint::start(|_| page(vec![], false)).await;
    let mrrow = Mrrow::start().await;
    let request =
        json!({"endpoint": endpoint.url(), "schedule": {"type": "interval", "seconds": 3600}});
    mrrow.put("/v1/data-sources/ds/pull", &request, 200).await;
    wait_for_requests(&endpoint, 3).await;
    assert_eq!(mrrow.get("/v1/data-sources/ds/pull").await["next_sync_at"], "2024-06-01T13:00:00Z");
    mrrow.pass(TimeDelta::minutes(59));
    wait_for_requests(&endpoint, 3).await;
    mrrow.pass(TimeDelta::minutes(1));
    wait_for_requests(&endpoint, 6).await;
    mrrow.pass(TimeDelta::minutes(30));
    let mrrow = mrrow.restart(config()).await;
    wait_for_requests(&endpoint, 6).await;
    mrrow.pass(TimeDelta::minutes(30));
    wait_for_requests(&endpoint, 9).await;
    assert_eq!(mrrow.ended().await["phase"], "done");
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_was_missed_is_made_up_for_once() {
    let endpoint = Endpoint::start(|_| page(vec![], false)).await;
    let mrrow = Mrrow::start().await;
    mrrow.engine.set_setting("timezone", "Europe/Berlin").await.unwrap();
    let request =
        json!({"endpoint": endpoint.url(), "schedule": {"type": "cron", "cron": "0 3 * * *"}});
    let set = mrrow.put("/v1/data-sources/ds/pull", &request, 200).await;
    assert_eq!(set["next_sync_at"], "2024-06-02T01:00:00Z");
    wait_for_requests(&endpoint, 0).await;
    mrrow.pass(TimeDelta::days(5));
    wait_for_requests(&endpoint, 3).await;
    mrrow.pull_from(&endpoint.url()).await;
    mrrow.pass(TimeDelta::days(5));
    wait_for_requests(&endpoint, 3).await;
    mrrow.stop().await;
}
