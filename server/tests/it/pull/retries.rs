//! Retries of failed requests.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use serde_json::json;

use super::endpoint::{Endpoint, customers, page, status};
use super::test_server::{TestServer, config, error_of};

#[tokio::test(flavor = "multi_thread")]
async fn temporary_failure_is_retried() {
    let endpoint = Endpoint::start(|request| match (request.page(), request.before) {
        (2, 0..3) => status(500),
        _ => customers(&request, 3),
    })
    .await;
    let server = TestServer::start().await;
    server.pull_from(&endpoint.url()).await;
    let progress = server.sync().await;
    assert_eq!((&progress["phase"], &progress["pages"]), (&json!("done"), &json!(5)));
    assert_eq!(endpoint.lines().iter().filter(|line| line.ends_with("page=2")).count(), 4);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn permanent_failure_stops_the_sync_which_can_be_resumed() {
    let mut config = config();
    config.limits.pull.retries = 2;
    let broken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let is_broken = std::sync::Arc::clone(&broken);
    let endpoint = Endpoint::start(move |request| match request.page() {
        3 if is_broken.load(std::sync::atomic::Ordering::SeqCst) => status(503),
        _ => customers(&request, 4),
    })
    .await;
    let server = TestServer::start_with(config).await;
    server.pull_from(&endpoint.url()).await;
    let progress = server.sync().await;
    assert_eq!((&progress["phase"], &progress["state"]), (&json!("stuck"), &json!("failed")));
    assert_eq!(error_of(&progress), ("endpoint_status", "customers", 3));
    assert_eq!(
        (&progress["type"], &progress["page"], &progress["pages"]),
        (&json!("customers"), &json!(3), &json!(2))
    );
    assert_eq!(progress["last_error"]["status"], 503);
    assert_eq!(progress["last_error"]["url"], format!("{}/customers", endpoint.url()));
    assert_eq!(progress["resume"], "POST /v1/data-sources/ds/sync?resume=true");
    assert_eq!(server.customers().await, 2, "what was stored stays");
    assert_eq!(endpoint.lines().len(), 2 + 3);
    broken.store(false, std::sync::atomic::Ordering::SeqCst);
    let progress = server.resume().await;
    assert_eq!((&progress["phase"], &progress["pages"]), (&json!("done"), &json!(4)));
    assert_eq!(
        endpoint.lines()[5..],
        [
            "/export/customers?page=3",
            "/export/customers?page=4",
            "/export/plans",
            "/export/invoices"
        ]
    );
    assert_eq!(server.customers().await, 4);
    let refused = server.post("/v1/data-sources/ds/sync?resume=true", 409).await;
    assert_eq!(refused["code"], "nothing_to_resume");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_honoured_up_to_a_limit() {
    let mut config = config();
    config.limits.pull.retry_after_max = Duration::from_secs(1);
    let endpoint = Endpoint::start(|request| match (request.is_of("customers"), request.before) {
        (true, 0) => Response::builder()
            .status(429)
            .header("retry-after", "3600")
            .body(Body::empty())
            .unwrap(),
        // An hour after the engine's clock.
        (true, 1) => Response::builder()
            .status(503)
            .header("retry-after", "Sat, 01 Jun 2024 13:00:00 GMT")
            .body(Body::empty())
            .unwrap(),
        _ => page(vec![], false),
    })
    .await;
    let server = TestServer::start_with(config).await;
    server.pull_from(&endpoint.url()).await;
    let begun = Instant::now();
    assert_eq!(server.sync().await["phase"], "done");
    let took = begun.elapsed();
    assert!((Duration::from_secs(2)..Duration::from_secs(20)).contains(&took), "{took:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_errors_are_not_retried() {
    for (refusal, hint) in
        [(401, "credentials"), (403, "credentials"), (404, "configured address"), (418, "log")]
    {
        let endpoint = Endpoint::start(move |_| status(refusal)).await;
        let server = TestServer::start().await;
        server.pull_from(&endpoint.url()).await;
        let progress = server.sync().await;
        assert_eq!(error_of(&progress), ("endpoint_status", "customers", 1));
        assert_eq!(progress["last_error"]["status"], refusal);
        let message = progress["last_error"]["message"].as_str().unwrap();
        assert!(message.contains(hint) && message.contains(&refusal.to_string()), "{message}");
        assert_eq!(endpoint.lines().len(), 1);
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_page_times_out() {
    let mut config = config();
    (config.limits.pull.page_time, config.limits.pull.retries) = (Duration::from_millis(200), 1);
    let endpoint = Endpoint::start_async(|request| async move {
        if request.page() == 2 {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        customers(&request, 3)
    })
    .await;
    let server = TestServer::start_with(config).await;
    server.pull_from(&endpoint.url()).await;
    assert_eq!(error_of(&server.sync().await), ("timeout", "customers", 2));
    assert_eq!(endpoint.lines().len(), 3);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_body_times_out() {
    let mut config = config();
    (config.limits.pull.page_time, config.limits.pull.retries) = (Duration::from_millis(300), 0);
    let endpoint = Endpoint::start(|_| {
        let drops = futures::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Some((Ok::<_, std::io::Error>(" "), ()))
        });
        Response::new(Body::from_stream(drops))
    })
    .await;
    let server = TestServer::start_with(config).await;
    server.pull_from(&endpoint.url()).await;
    assert_eq!(error_of(&server.sync().await), ("timeout", "customers", 1));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_endpoint_is_reported() {
    let mut config = config();
    config.limits.pull.retries = 1;
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let server = TestServer::start_with(config).await;
    server.pull_from(&format!("http://{gone}/")).await;
    let progress = server.sync().await;
    assert_eq!(error_of(&progress), ("connect_failed", "customers", 1));
    assert!(progress["last_error"]["message"].as_str().unwrap().contains("refused"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_connection_is_retried() {
    let endpoint = Endpoint::start(|request| match (request.page(), request.before) {
        (1, 0) => {
            let torn =
                futures::stream::iter([Ok("{\"data\":["), Err(std::io::Error::other("torn"))]);
            Response::new(Body::from_stream(torn))
        }
        _ => customers(&request, 1),
    })
    .await;
    let server = TestServer::start().await;
    server.pull_from(&endpoint.url()).await;
    assert_eq!(server.sync().await["phase"], "done");
    assert_eq!(server.customers().await, 1);
    server.stop().await;
}
