//! Syncs that are started, watched, aborted, interrupted and resumed.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::endpoint::{Endpoint, RecordedRequest, customers};
use super::test_server::{TestServer, config, expect};

/// An endpoint that holds its third page back until it is notified.
async fn halting(go_on: &Arc<Notify>) -> Endpoint {
    let go_on = Arc::clone(go_on);
    Endpoint::start_async(move |request: RecordedRequest| {
        let go_on = Arc::clone(&go_on);
        async move {
            if request.page() == 3 {
                go_on.notified().await;
            }
            customers(&request, 4)
        }
    })
    .await
}

fn is_at_page_3(progress: &Value) -> bool {
    progress["page"] == 3
}

#[tokio::test(flavor = "multi_thread")]
async fn data_source_has_one_running_sync() {
    let go_on = Arc::default();
    let endpoint = halting(&go_on).await;
    let server = TestServer::start().await;
    server.pull_from(&endpoint.url()).await;
    let answer = server.request(Method::POST, "/v1/data-sources/ds/sync").send().await.unwrap();
    assert_eq!(answer.headers()["location"], "/v1/data-sources/ds/progress");
    let begun = expect(answer, 202).await;
    let progress = server.wait_for(is_at_page_3).await;
    assert_eq!(
        (&progress["phase"], &progress["job"], &progress["processedCount"]),
        (&json!("processing"), &begun["job"], &json!(2))
    );
    let refused = server.post("/v1/data-sources/ds/sync", 409).await;
    assert_eq!(refused["code"], "sync_running");
    let source = server.get("/v1/data-sources/ds").await;
    assert_eq!(
        (&source["status"], &source["import_status"]),
        (&json!("importing"), &json!("running"))
    );
    assert!(refused["message"].as_str().unwrap().contains(begun["job"].as_str().unwrap()));
    for path in ["/data/data-sources/ds/full-import", "/v1/data-sources/ds/full-import"] {
        assert_eq!(server.post(path, 200).await, json!({"success": true, "id": "ds"}));
    }
    go_on.notify_one();
    assert_eq!(server.ended().await["phase"], "done");
    assert_eq!(endpoint.lines().len(), 6);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn full_import_of_the_clients_starts_a_sync() {
    let endpoint = Endpoint::start(|request| customers(&request, 2)).await;
    let server = TestServer::start().await;
    let idle = server.get("/data/data-sources/ds/progress").await;
    assert_eq!(
        (&idle["phase"], &idle["processedCount"], &idle["job"]),
        (&json!("idle"), &json!(0), &Value::Null)
    );
    assert_eq!(server.post("/v1/data-sources/ds/sync", 409).await["code"], "no_endpoint");
    assert_eq!(
        server.post("/data/data-sources/ds/full-import", 200).await,
        json!({"success": true, "id": "ds"})
    );
    assert_eq!(server.get("/data/data-sources/ds/progress").await["phase"], "idle");
    server.pull_from(&endpoint.url()).await;
    server.post("/data/data-sources/ds/full-import", 200).await;
    assert_eq!(server.ended().await["phase"], "done");
    assert_eq!(server.customers().await, 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aborted_sync_can_be_resumed() {
    let go_on = Arc::default();
    let endpoint = halting(&go_on).await;
    let server = TestServer::start().await;
    server.pull_from(&endpoint.url()).await;
    server.post("/v1/data-sources/ds/sync", 202).await;
    server.wait_for(is_at_page_3).await;
    assert_eq!(
        server.post("/data/data-sources/ds/abort", 200).await,
        json!({"success": true, "id": "ds"})
    );
    let progress = server.get("/v1/data-sources/ds/progress").await;
    assert_eq!(
        (&progress["phase"], &progress["state"], &progress["page"]),
        (&json!("aborted"), &json!("canceled"), &json!(3))
    );
    assert_eq!(server.customers().await, 2, "what was stored stays");
    // Nothing is left to abort.
    server.post("/data/data-sources/ds/abort", 200).await;
    go_on.notify_one();
    assert_eq!(server.resume().await["phase"], "done");
    assert_eq!(server.customers().await, 4);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_interrupted_by_a_restart_can_be_resumed() {
    let go_on = Arc::default();
    let endpoint = halting(&go_on).await;
    let server = TestServer::start().await;
    let request =
        json!({"endpoint": endpoint.url(), "authentication": {"type": "bearer", "token": "t"}});
    server.put("/v1/data-sources/ds/pull", &request, 200).await;
    server.post("/v1/data-sources/ds/sync", 202).await;
    server.wait_for(is_at_page_3).await;
    let server = server.restart(config()).await;
    let progress = server.get("/v1/data-sources/ds/progress").await;
    assert_eq!(
        (&progress["phase"], &progress["state"], &progress["page"]),
        (&json!("stuck"), &json!("interrupted"), &json!(3))
    );
    assert_eq!(progress["resume"], "POST /v1/data-sources/ds/sync?resume=true");
    let request = endpoint.requests().len();
    go_on.notify_one();
    assert_eq!(server.resume().await["phase"], "done");
    let again = endpoint.requests();
    assert_eq!(again[request].line(), "/export/customers?page=3");
    assert!(
        again[request..].iter().all(|request| request.header("authorization") == Some("Bearer t"))
    );
    assert_eq!(server.customers().await, 4);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_or_resetting_a_data_source_aborts_its_sync() {
    for (method, path) in [
        (Method::DELETE, "/v1/data-sources/ds"),
        (Method::POST, "/v1/data-sources/ds/reset"),
        (Method::DELETE, "/v1/data-sources/ds/pull"),
    ] {
        let go_on = Arc::default();
        let endpoint = halting(&go_on).await;
        let server = TestServer::start().await;
        server.pull_from(&endpoint.url()).await;
        server.post("/v1/data-sources/ds/sync", 202).await;
        server.wait_for(is_at_page_3).await;
        expect(server.request(method.clone(), path).send().await.unwrap(), 200).await;
        go_on.notify_one();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (request, stored) = (endpoint.lines().len(), server.customers().await);
        assert_eq!(
            (request, stored),
            (3, if path.ends_with("reset") { 0 } else { 2 }),
            "{method} {path}"
        );
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_streamed_as_events() {
    let go_on = Arc::default();
    let endpoint = halting(&go_on).await;
    let server = TestServer::start().await;
    let watch = || {
        server
            .request(Method::GET, "/v1/data-sources/ds/progress")
            .header("accept", "text/event-stream")
            .send()
    };
    // A pushed data source has no further events.
    let idle = watch().await.unwrap().text().await.unwrap();
    assert!(
        idle.starts_with("event: progress\ndata: {\"phase\":\"idle\"") && idle.ends_with("\n\n"),
        "{idle}"
    );
    server.pull_from(&endpoint.url()).await;
    let early = watch().await.unwrap();
    assert_eq!(early.headers()["content-type"], "text/event-stream");
    server.post("/v1/data-sources/ds/sync", 202).await;
    server.wait_for(is_at_page_3).await;
    let watched = watch().await.unwrap();
    go_on.notify_one();
    let events = async |watched: reqwest::Response| -> Vec<Value> {
        let text = watched.text().await.unwrap();
        assert!(text.starts_with("event: progress\ndata: {") && text.ends_with("\n\n"), "{text}");
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).unwrap()).collect()
    };
    let late = events(watched).await;
    assert_eq!((&late[0]["phase"], &late[0]["page"]), (&json!("processing"), &json!(3)));
    assert_eq!(late.last().unwrap()["phase"], "done");
    // A stream from before the first sync has all of its events.
    let early = events(early).await;
    assert_eq!(
        (&early[0]["phase"], &early.last().unwrap()["phase"]),
        (&json!("idle"), &json!("done"))
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_end_when_the_endpoint_is_removed_before_the_first_sync() {
    let server = TestServer::start().await;
    server.pull_from("https://a.example").await;
    let watched = server
        .request(Method::GET, "/v1/data-sources/ds/progress")
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    expect(server.request(Method::DELETE, "/v1/data-sources/ds").send().await.unwrap(), 200).await;
    assert!(watched.text().await.unwrap().contains("idle"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_event_stream_does_not_delay_shutdown() {
    let go_on = Arc::default();
    let endpoint = halting(&go_on).await;
    let server = TestServer::start().await;
    server.pull_from(&endpoint.url()).await;
    server.post("/v1/data-sources/ds/sync", 202).await;
    server.wait_for(is_at_page_3).await;
    let watched = server
        .request(Method::GET, "/v1/data-sources/ds/progress")
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    let mut events = watched.bytes_stream();
    assert!(events.next().await.unwrap().is_ok());
    let begun = std::time::Instant::now();
    server.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    while events.next().await.is_some_and(|one| one.is_ok()) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn limited_number_of_syncs_fetch_at_once() {
    let go_on = Arc::default();
    let endpoint = halting(&go_on).await;
    let mut config = config();
    config.limits.pull.syncs = 1;
    let server = TestServer::start_with(config).await;
    let new = mrrow_engine::sources::NewDataSource {
        id: Some("second".into()),
        name: "Second".into(),
        kind: None,
    };
    server.engine.create_data_source(new, [1; 16]).await.unwrap();
    let quick = Endpoint::start(|request| customers(&request, 1)).await;
    server.put("/v1/data-sources/second/pull", &json!({"endpoint": quick.url()}), 200).await;
    server.pull_from(&endpoint.url()).await;
    server.post("/v1/data-sources/ds/sync", 202).await;
    server.wait_for(is_at_page_3).await;
    server.post("/v1/data-sources/second/sync", 202).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let waiting = server.get("/v1/data-sources/second/progress").await;
    assert_eq!((&waiting["phase"], quick.lines().len()), (&json!("enqueueing"), 0));
    go_on.notify_one();
    server.ended().await;
    while server.get("/v1/data-sources/second/progress").await["phase"] != "done" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.stop().await;
}
