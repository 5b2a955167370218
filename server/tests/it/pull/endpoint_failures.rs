//! Endless and invalid endpoints: each stops the sync with an error.

use std::io::Write;

use axum::body::Body;
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use super::endpoint::{Endpoint, customer, customers, page, status};
use super::test_server::{TestServer, config, error_of};

/// Checks that a response to the first request stops the sync with an error.
async fn check(answer: impl Fn() -> Response + Send + Sync + 'static, code: &str, message: &str) {
    let endpoint = Endpoint::start(move |_| answer()).await;
    let mut config = config();
    (
        config.limits.pull.page_bytes,
        config.limits.pull.decoded_bytes,
        config.limits.pull.page_rows,
    ) = (1000, 100_000, 3);
    config.limits.pull.retries = 0;
    let server = TestServer::start_with(config).await;
    server.pull_from(&endpoint.url()).await;
    let progress = server.sync().await;
    assert_eq!(
        (&progress["phase"], error_of(&progress)),
        (&json!("stuck"), (code, "customers", 1))
    );
    let actual = progress["last_error"]["message"].as_str().unwrap();
    assert!(actual.contains(message), "{actual}");
    assert_eq!(endpoint.lines().len(), 1);
    server.stop().await;
}

fn sent(encoding: &str, bytes: Vec<u8>) -> Response {
    Response::builder().header("content-encoding", encoding).body(Body::from(bytes)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn response_that_is_not_a_page_is_rejected() {
    check(|| "{\"data\": [".into_response(), "page_invalid", "EOF").await;
    check(|| axum::Json(json!({"error": "nope"})).into_response(), "page_invalid", "no \"data\"")
        .await;
    check(|| Html("<html>please sign in</html>").into_response(), "page_invalid", "HTML").await;
    check(|| status(204), "page_invalid", "empty").await;
    check(|| status(304), "endpoint_status", "304").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_above_the_limits_is_rejected() {
    check(|| " ".repeat(1001).into_response(), "page_too_large", "more than 1000 bytes").await;
    check(|| axum::Json([1, 2, 3, 4]).into_response(), "page_invalid", "more than 3 objects").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn decompression_bomb_is_rejected() {
    let spaces = vec![b' '; 400_000];
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&spaces).unwrap();
    let gzip = encoder.finish().unwrap();
    let zstd = zstd::encode_all(spaces.as_slice(), 3).unwrap();
    assert!(gzip.len() < 1000 && zstd.len() < 1000);
    check(
        move || sent("gzip", gzip.clone()),
        "page_too_large",
        "more than 100000 bytes after decompression",
    )
    .await;
    check(
        move || sent("zstd", zstd.clone()),
        "page_too_large",
        "more than 100000 bytes after decompression",
    )
    .await;
    check(|| sent("br", vec![]), "encoding_unsupported", "gzip, zstd").await;
    check(|| sent("gzip", b"[]".to_vec()), "page_undecodable", "Content-Encoding").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_pages_stop_at_the_limit() {
    let endpoint = Endpoint::start(|request| customers(&request, u64::MAX)).await;
    let mut config = config();
    config.limits.pull.pages = 7;
    let server = TestServer::start_with(config).await;
    server.pull_from(&endpoint.url()).await;
    let progress = server.sync().await;
    assert_eq!(
        (error_of(&progress), endpoint.lines().len()),
        (("too_many_pages", "customers", 8), 7)
    );
    assert_eq!(server.customers().await, 7, "what was stored stays");
    // An endpoint with more pages is fetched in several syncs.
    assert_eq!(
        (error_of(&server.resume().await), endpoint.lines().len()),
        (("too_many_pages", "customers", 15), 14)
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn number_of_pages_at_the_limit_is_fetched() {
    let endpoint = Endpoint::start(|request| customers(&request, 7)).await;
    let mut config = config();
    config.limits.pull.pages = 7;
    let server = TestServer::start_with(config).await;
    server.pull_from(&endpoint.url()).await;
    assert_eq!(server.sync().await["phase"], "done");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_page_is_detected() {
    let endpoint = Endpoint::start(|_| page(vec![customer(1)], true)).await;
    let server = TestServer::start().await;
    server.pull_from(&endpoint.url()).await;
    let progress = server.sync().await;
    assert_eq!(
        (error_of(&progress), endpoint.lines().len()),
        (("page_repeated", "customers", 2), 2)
    );
    server.stop().await;
    for next in ["", "customers", "/export/customers"] {
        let endpoint = Endpoint::start(move |_| {
            axum::Json(json!({"data": [], "next": next, "has_more": true})).into_response()
        })
        .await;
        let server = TestServer::start().await;
        server.pull_from(&endpoint.url()).await;
        assert_eq!(error_of(&server.sync().await).0, "page_repeated", "{next}");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_time_is_limited() {
    let endpoint = Endpoint::start_async(|request| async move {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        customers(&request, u64::MAX)
    })
    .await;
    let mut config = config();
    config.limits.pull.sync_time = std::time::Duration::from_millis(400);
    let server = TestServer::start_with(config).await;
    server.pull_from(&endpoint.url()).await;
    let progress = server.sync().await;
    assert_eq!(error_of(&progress).0, "sync_timeout");
    assert_eq!(progress["resume"], "POST /v1/data-sources/ds/sync?resume=true");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_and_invalid_redirects_are_rejected() {
    let endpoint = Endpoint::start(|request| {
        super::endpoint::redirect(&format!(
            "/export/customers?n={}x",
            request.query.replace("n=", "")
        ))
    })
    .await;
    let server = TestServer::start().await;
    server.pull_from(&endpoint.url()).await;
    assert_eq!(
        (error_of(&server.sync().await), endpoint.lines().len()),
        (("too_many_redirects", "customers", 1), 6)
    );
    server.stop().await;
    check(|| status(302), "redirect_invalid", "without a Location").await;
    check(|| super::endpoint::redirect("ftp://example.com/"), "url_refused", "http or https").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn next_page_at_another_origin_is_rejected() {
    let other = Endpoint::start(|_| page(vec![], false)).await;
    let next = format!("{}/customers?page=2", other.origin());
    let shown = other.origin();
    check(
        move || axum::Json(json!({"data": [], "next": next})).into_response(),
        "next_refused",
        &shown,
    )
    .await;
    assert_eq!(other.lines().len(), 0);
    check(
        || axum::Json(json!({"data": [], "next": "http://["})).into_response(),
        "page_invalid",
        "not a URL",
    )
    .await;
    check(
        || axum::Json(json!({"data": [], "next": Value::Bool(true)})).into_response(),
        "page_invalid",
        "neither a URL nor null",
    )
    .await;
}
