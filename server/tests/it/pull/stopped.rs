//! Endpoints that would never end, or are none: each stops its sync with what is wrong.

use std::io::Write;

use axum::body::Body;
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use super::endpoint::{Endpoint, customer, customers, page, status};
use super::mrrow::{Mrrow, config, error_of};

/// The answer to whatever is asked ends in this error, without being asked for twice.
async fn check(answer: impl Fn() -> Response + Send + Sync + 'static, code: &str, message: &str) {
    let endpoint = Endpoint::start(move |_| answer()).await;
    let mut config = config();
    (
        config.limits.pull.page_bytes,
        config.limits.pull.decoded_bytes,
        config.limits.pull.page_rows,
    ) = (1000, 100_000, 3);
    config.limits.pull.retries = 0;
    let mrrow = Mrrow::start_with(config).await;
    mrrow.pull_from(&endpoint.url()).await;
    let progress = mrrow.sync().await;
    assert_eq!(
        (&progress["phase"], error_of(&progress)),
        (&json!("stuck"), (code, "customers", 1))
    );
    let told = progress["last_error"]["message"].as_str().unwrap();
    assert!(told.contains(message), "{told}");
    assert_eq!(endpoint.lines().len(), 1);
    mrrow.stop().await;
}

fn sent(encoding: &str, bytes: Vec<u8>) -> Response {
    Response::builder().header("content-encoding", encoding).body(Body::from(bytes)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_page_is_refused() {
    check(|| "{\"data\": [".into_response(), "page_invalid", "EOF").await;
    check(|| axum::Json(json!({"error": "nope"})).into_response(), "page_invalid", "no \"data\"")
        .await;
    check(|| Html("<html>please sign in</html>").into_response(), "page_invalid", "HTML").await;
    check(|| status(204), "page_invalid", "empty").await;
    check(|| status(304), "endpoint_status", "304").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_too_large_is_refused() {
    check(|| " ".repeat(1001).into_response(), "page_too_large", "more than 1000 bytes").await;
    check(|| axum::Json([1, 2, 3, 4]).into_response(), "page_invalid", "more than 3 objects").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_does_not_go_off() {
    let spaces = vec![b' '; 400_000];
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&spaces).unwrap();
    let gzip = encoder.finish().unwrap();
    let zstd = zstd::encode_all(spaces.as_slice(), 3).unwrap();
    assert!(gzip.len() < 1000 && zstd.len() < 1000);
    check(
        move || sent("gzip", gzip.clone()),
        "page_too_large",
        "more than 100000 bytes once it is decompressed",
    )
    .await;
    check(
        move || sent("zstd", zstd.clone()),
        "page_too_large",
        "more than 100000 bytes once it is decompressed",
    )
    .await;
    check(|| sent("br", vec![]), "encoding_unsupported", "gzip, zstd").await;
    check(|| sent("gzip", b"[]".to_vec()), "page_undecodable", "Content-Encoding").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_always_has_more_is_left_at_the_limit() {
    let endpoint = Endpoint::start(|asked| customers(&asked, u64::MAX)).await;
    let mut config = config();
    config.limits.pull.pages = 7;
    let mrrow = Mrrow::start_with(config).await;
    mrrow.pull_from(&endpoint.url()).await;
    let progress = mrrow.sync().await;
    assert_eq!(
        (error_of(&progress), endpoint.lines().len()),
        (("too_many_pages", "customers", 8), 7)
    );
    assert_eq!(mrrow.customers().await, 7, "what was stored stays");
    // An endpoint that really has so many is fetched in several syncs.
    assert_eq!(
        (error_of(&mrrow.resume().await), endpoint.lines().len()),
        (("too_many_pages", "customers", 15), 14)
    );
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_pages_as_there_may_be_are_fetched() {
    let endpoint = Endpoint::start(|asked| customers(&asked, 7)).await;
    let mut config = config();
    config.limits.pull.pages = 7;
    let mrrow = Mrrow::start_with(config).await;
    mrrow.pull_from(&endpoint.url()).await;
    assert_eq!(mrrow.sync().await["phase"], "done");
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_does_not_turn_the_page_is_found_out() {
    let endpoint = Endpoint::start(|_| page(vec![customer(1)], true)).await;
    let mrrow = Mrrow::start().await;
    mrrow.pull_from(&endpoint.url()).await;
    let progress = mrrow.sync().await;
    assert_eq!(
        (error_of(&progress), endpoint.lines().len()),
        (("page_repeated", "customers", 2), 2)
    );
    mrrow.stop().await;
    for next in ["", "customers", "/export/customers"] {
        let endpoint = Endpoint::start(move |_| {
            axum::Json(json!({"data": [], "next": next, "has_more": true})).into_response()
        })
        .await;
        let mrrow = Mrrow::start().await;
        mrrow.pull_from(&endpoint.url()).await;
        assert_eq!(error_of(&mrrow.sync().await).0, "page_repeated", "{next}");
        mrrow.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_takes_no_longer_than_it_may() {
    let endpoint = Endpoint::start_async(|asked| async move {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        customers(&asked, u64::MAX)
    })
    .await;
    let mut config = config();
    config.limits.pull.sync_time = std::time::Duration::from_millis(400);
    let mrrow = Mrrow::start_with(config).await;
    mrrow.pull_from(&endpoint.url()).await;
    let progress = mrrow.sync().await;
    assert_eq!(error_of(&progress).0, "sync_timeout");
    assert_eq!(progress["resume"], "POST /v1/data-sources/ds/sync?resume=true");
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_that_do_not_end_or_lead_nowhere_are_left() {
    let endpoint = Endpoint::start(|asked| {
        super::endpoint::redirect(&format!(
            "/export/customers?n={}x",
            asked.query.replace("n=", "")
        ))
    })
    .await;
    let mrrow = Mrrow::start().await;
    mrrow.pull_from(&endpoint.url()).await;
    assert_eq!(
        (error_of(&mrrow.sync().await), endpoint.lines().len()),
        (("too_many_redirects", "customers", 1), 6)
    );
    mrrow.stop().await;
    check(|| status(302), "redirect_invalid", "whereto").await;
    check(|| super::endpoint::redirect("ftp://example.com/"), "url_refused", "http or https").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_next_page_elsewhere_is_refused() {
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
