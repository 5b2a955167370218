//! Syncs that are begun, watched, aborted, interrupted.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::endpoint::{Asked, Endpoint, customers};
use super::mrrow::{Mrrow, config, expect};

/// An endpoint whose third page comes when it is told.
async fn halting(go_on: &Arc<Notify>) -> Endpoint {
    let go_on = Arc::clone(go_on);
    Endpoint::start_async(move |asked: Asked| {
        let go_on = Arc::clone(&go_on);
        async move {
            if asked.page() == 3 {
                go_on.notified().await;
            }
            customers(&asked, 4)
        }
    })
    .await
}

fn is_at_page_3(progress: &Value) -> bool {
    progress["page"] == 3
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sync_of_a_data_source_is_at_work_at_a_time() {
    let go_on = Arc::default();
    let endpoint = halting(&go_on).await;
    let mrrow = Mrrow::start().await;
    mrrow.pull_from(&endpoint.url()).await;
    let answer = mrrow.ask(Method::POST, "/v1/data-sources/ds/sync").send().await.unwrap();
    assert_eq!(answer.headers()["location"], "/v1/data-sources/ds/progress");
    let begun = expect(answer, 202).await;
    let progress = mrrow.wait_for(is_at_page_3).await;
    assert_eq!(
        (&progress["phase"], &progress["job"], &progress["processedCount"]),
        (&json!("processing"), &begun["job"], &json!(2))
    );
    let refused = mrrow.post("/v1/data-sources/ds/sync", 409).await;
    assert_eq!(refused["code"], "sync_running");
    let source = mrrow.get("/v1/data-sources/ds").await;
    assert_eq!(
        (&source["status"], &source["import_status"]),
        (&json!("importing"), &json!("running"))
    );
    assert!(refused["message"].as_str().unwrap().contains(begun["job"].as_str().unwrap()));
    for path in ["/data/data-sources/ds/full-import", "/v1/data-sources/ds/full-import"] {
        assert_eq!(mrrow.post(path, 200).await, json!({"success": true, "id": "ds"}));
    }
    go_on.notify_one();
    assert_eq!(mrrow.ended().await["phase"], "done");
    assert_eq!(endpoint.lines().len(), 6);
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_full_import_begins_a_sync() {
    let endpoint = Endpoint::start(|asked| customers(&asked, 2)).await;
    let mrrow = Mrrow::start().await;
    let idle = mrrow.get("/data/data-sources/ds/progress").await;
    assert_eq!(
        (&idle["phase"], &idle["processedCount"], &idle["job"]),
        (&json!("idle"), &json!(0), &Value::Null)
    );
    assert_eq!(mrrow.post("/v1/data-sources/ds/sync", 409).await["code"], "no_endpoint");
    assert_eq!(
        mrrow.post("/data/data-sources/ds/full-import", 200).await,
        json!({"success": true, "id": "ds"})
    );
    assert_eq!(mrrow.get("/data/data-sources/ds/progress").await["phase"], "idle");
    mrrow.pull_from(&endpoint.url()).await;
    mrrow.post("/data/data-sources/ds/full-import", 200).await;
    assert_eq!(mrrow.ended().await["phase"], "done");
    assert_eq!(mrrow.customers().await, 2);
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_is_aborted_and_goes_on_later() {
    let go_on = Arc::default();
    let endpoint = halting(&go_on).await;
    let mrrow = Mrrow::start().await;
    mrrow.pull_from(&endpoint.url()).await;
    mrrow.post("/v1/data-sources/ds/sync", 202).await;
    mrrow.wait_for(is_at_page_3).await;
    assert_eq!(
        mrrow.post("/data/data-sources/ds/abort", 200).await,
        json!({"success": true, "id": "ds"})
    );
    let progress = mrrow.get("/v1/data-sources/ds/progress").await;
    assert_eq!(
        (&progress["phase"], &progress["state"], &progress["page"]),
        (&json!("aborted"), &json!("canceled"), &json!(3))
    );
    assert_eq!(mrrow.customers().await, 2, "what was stored stays");
    // There is nothing to abort any more.
    mrrow.post("/data/data-sources/ds/abort", 200).await;
    go_on.notify_one();
    assert_eq!(mrrow.resume().await["phase"], "done");
    assert_eq!(mrrow.customers().await, 4);
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_a_restart_interrupts_goes_on_where_it_was() {
    let go_on = Arc::default();
    let endpoint = halting(&go_on).await;
    let mrrow = Mrrow::start().await;
    let request =
        json!({"endpoint": endpoint.url(), "authentication": {"type": "bearer", "token": "t"}});
    mrrow.put("/v1/data-sources/ds/pull", &request, 200).await;
    mrrow.post("/v1/data-sources/ds/sync", 202).await;
    mrrow.wait_for(is_at_page_3).await;
    let mrrow = mrrow.restart(config()).await;
    let progress = mrrow.get("/v1/data-sources/ds/progress").await;
    assert_eq!(
        (&progress["phase"], &progress["state"], &progress["page"]),
        (&json!("stuck"), &json!("interrupted"), &json!(3))
    );
    assert_eq!(progress["resume"], "POST /v1/data-sources/ds/sync?resume=true");
    let asked = endpoint.asked().len();
    go_on.notify_one();
    assert_eq!(mrrow.resume().await["phase"], "done");
    let again = endpoint.asked();
    assert_eq!(again[asked].line(), "/export/customers?page=3");
    assert!(again[asked..].iter().all(|asked| asked.header("authorization") == Some("Bearer t")));
    assert_eq!(mrrow.customers().await, 4);
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_or_emptied_data_source_is_not_filled_again() {
    for (method, path) in [
        (Method::DELETE, "/v1/data-sources/ds"),
        (Method::POST, "/v1/data-sources/ds/reset"),
        (Method::DELETE, "/v1/data-sources/ds/pull"),
    ] {
        let go_on = Arc::default();
        let endpoint = halting(&go_on).await;
        let mrrow = Mrrow::start().await;
        mrrow.pull_from(&endpoint.url()).await;
        mrrow.post("/v1/data-sources/ds/sync", 202).await;
        mrrow.wait_for(is_at_page_3).await;
        expect(mrrow.ask(method.clone(), path).send().await.unwrap(), 200).await;
        go_on.notify_one();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (asked, stored) = (endpoint.lines().len(), mrrow.customers().await);
        assert_eq!(
            (asked, stored),
            (3, if path.ends_with("reset") { 0 } else { 2 }),
            "{method} {path}"
        );
        mrrow.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_told_as_it_goes_on() {
    let go_on = Arc::default();
    let endpoint = halting(&go_on).await;
    let mrrow = Mrrow::start().await;
    let watch = || {
        mrrow
            .ask(Method::GET, "/v1/data-sources/ds/progress")
            .header("accept", "text/event-stream")
            .send()
    };
    // Of a source that is only pushed to there is nothing more to tell.
    let idle = watch().await.unwrap().text().await.unwrap();
    assert!(
        idle.starts_with("event: progress\ndata: {\"phase\":\"idle\"") && idle.ends_with("\n\n"),
        "{idle}"
    );
    mrrow.pull_from(&endpoint.url()).await;
    let early = watch().await.unwrap();
    assert_eq!(early.headers()["content-type"], "text/event-stream");
    mrrow.post("/v1/data-sources/ds/sync", 202).await;
    mrrow.wait_for(is_at_page_3).await;
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
    // Who has watched since before the first sync has seen all of it.
    let early = events(early).await;
    assert_eq!(
        (&early[0]["phase"], &early.last().unwrap()["phase"]),
        (&json!("idle"), &json!("done"))
    );
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_the_first_sync_is_told_when_there_will_be_none() {
    let mrrow = Mrrow::start().await;
    mrrow.pull_from("https://a.example").await;
    let watched = mrrow
        .ask(Method::GET, "/v1/data-sources/ds/progress")
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    expect(mrrow.ask(Method::DELETE, "/v1/data-sources/ds").send().await.unwrap(), 200).await;
    assert!(watched.text().await.unwrap().contains("idle"));
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_does_not_keep_the_server_from_stopping() {
    let go_on = Arc::default();
    let endpoint = halting(&go_on).await;
    let mrrow = Mrrow::start().await;
    mrrow.pull_from(&endpoint.url()).await;
    mrrow.post("/v1/data-sources/ds/sync", 202).await;
    mrrow.wait_for(is_at_page_3).await;
    let watched = mrrow
        .ask(Method::GET, "/v1/data-sources/ds/progress")
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    let mut events = watched.bytes_stream();
    assert!(events.next().await.unwrap().is_ok());
    let begun = std::time::Instant::now();
    mrrow.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    while events.next().await.is_some_and(|one| one.is_ok()) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_syncs_are_at_work_as_may_be() {
    let go_on = Arc::default();
    let endpoint = halting(&go_on).await;
    let mut config = config();
    config.limits.pull.syncs = 1;
    let mrrow = Mrrow::start_with(config).await;
    let new = mrrow_engine::sources::NewDataSource {
        id: Some("second".into()),
        name: "Second".into(),
        kind: None,
    };
    mrrow.engine.create_data_source(new, [1; 16]).await.unwrap();
    let quick = Endpoint::start(|asked| customers(&asked, 1)).await;
    mrrow.put("/v1/data-sources/second/pull", &json!({"endpoint": quick.url()}), 200).await;
    mrrow.pull_from(&endpoint.url()).await;
    mrrow.post("/v1/data-sources/ds/sync", 202).await;
    mrrow.wait_for(is_at_page_3).await;
    mrrow.post("/v1/data-sources/second/sync", 202).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let waiting = mrrow.get("/v1/data-sources/second/progress").await;
    assert_eq!((&waiting["phase"], quick.lines().len()), (&json!("enqueueing"), 0));
    go_on.notify_one();
    mrrow.ended().await;
    while mrrow.get("/v1/data-sources/second/progress").await["phase"] != "done" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    mrrow.stop().await;
}
