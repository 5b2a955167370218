//! Forbidden destinations, and the destinations that must not receive credentials.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum_server::tls_rustls::RustlsConfig;
use serde_json::json;

use super::endpoint::{Endpoint, page, redirect, status};
use super::test_server::{TestServer, config, error_of};

#[tokio::test(flavor = "multi_thread")]
async fn redirect_to_a_private_address_is_rejected() {
    for target in [
        "http://127.0.0.2:1/secret",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://2130706434/",
    ] {
        let endpoint = Endpoint::start(move |_| redirect(target)).await;
        let server = TestServer::start().await;
        server.pull_from(&endpoint.url()).await;
        let progress = server.sync().await;
        assert_eq!(
            (error_of(&progress), endpoint.lines().len()),
            (("address_refused", "customers", 1), 1),
            "{target}"
        );
        let message = progress["last_error"]["message"].as_str().unwrap();
        assert!(message.contains("--pull-allow"), "{message}");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn host_name_with_a_private_address_is_rejected() {
    let endpoint = Endpoint::start(|_| page(vec![], false)).await;
    let mut config = config();
    config.pull_allowed = vec![];
    let server = TestServer::start_with(config).await;
    let endpoint_by_name = endpoint.url().replace("127.0.0.1", "localhost");
    server.pull_from(&endpoint_by_name).await;
    let progress = server.sync().await;
    assert_eq!(
        (error_of(&progress), endpoint.lines().len()),
        (("address_refused", "customers", 1), 0)
    );
    let message = progress["last_error"]["message"].as_str().unwrap();
    assert!(
        message.contains("\"localhost\" is at ") && message.contains("--pull-allow localhost"),
        "{message}"
    );
    let refused =
        server.put("/v1/data-sources/ds/pull", &json!({"endpoint": endpoint.url()}), 400).await;
    assert!(refused["message"].as_str().unwrap().contains("--pull-allow 127.0.0.1"), "{refused}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn host_allowed_by_the_operator_is_fetched() {
    let endpoint = Endpoint::start(|_| page(vec![], false)).await;
    let mut config = config();
    config.pull_allowed = vec!["localhost".parse().unwrap()];
    let server = TestServer::start_with(config).await;
    server.pull_from(&endpoint.url().replace("127.0.0.1", "localhost")).await;
    assert_eq!(server.sync().await["phase"], "done");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_sent_to_the_endpoints_origin_only() {
    let other = Endpoint::start(|request| match request.header("authorization") {
        None => page(vec![], false),
        Some(_) => panic!("the credentials were sent"),
    })
    .await;
    let target = other.origin();
    let endpoint = Endpoint::start(move |request| match request.path.as_str() {
        "/export/customers" => redirect("/moved"),
        "/moved" => page(vec![], false),
        _ => redirect(&format!("{target}/elsewhere")),
    })
    .await;
    let server = TestServer::start().await;
    let request = json!({
        "endpoint": endpoint.url(),
        "authentication": {"type": "bearer", "token": "s3cret"},
    });
    server.put("/v1/data-sources/ds/pull", &request, 200).await;
    assert_eq!(server.sync().await["phase"], "done");
    assert!(
        endpoint
            .requests()
            .iter()
            .all(|request| request.header("authorization") == Some("Bearer s3cret"))
    );
    assert_eq!((endpoint.lines().len(), other.lines().len()), (4, 2));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn error_after_a_redirect_explains_the_missing_credentials() {
    let other = Endpoint::start(|_| status(401)).await;
    let target = other.origin();
    let endpoint = Endpoint::start(move |_| redirect(&target)).await;
    let server = TestServer::start().await;
    server.pull_from(&endpoint.url()).await;
    let progress = server.sync().await;
    assert_eq!(progress["last_error"]["status"], 401);
    assert!(
        progress["last_error"]["message"].as_str().unwrap().contains("redirected to another host")
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_credentials_is_sent_with_every_request() {
    for (authentication, header, value) in [
        (json!({"type": "none"}), "authorization", None),
        (json!({"type": "header", "name": "X-Api-Key", "value": "k 1"}), "x-api-key", Some("k 1")),
        (json!({"type": "bearer", "token": "t"}), "authorization", Some("Bearer t")),
        (
            json!({"type": "basic", "username": "u", "password": "p"}),
            "authorization",
            Some("Basic dTpw"),
        ),
    ] {
        let endpoint =
            Endpoint::start(|request| page(vec![json!(request.page())], request.page() < 2)).await;
        let server = TestServer::start().await;
        server
            .put(
                "/v1/data-sources/ds/pull",
                &json!({"endpoint": endpoint.url(), "authentication": authentication}),
                200,
            )
            .await;
        assert_eq!(server.sync().await["phase"], "done");
        assert_eq!(endpoint.requests().len(), 6);
        assert!(endpoint.requests().iter().all(|request| request.header(header) == value));
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn untrusted_certificate_is_rejected_before_the_request() {
    let server = TestServer::start().await;
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_string()]).unwrap();
    let tls =
        RustlsConfig::from_pem(made.cert.pem().into(), made.signing_key.serialize_pem().into())
            .await
            .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    listener.set_nonblocking(true).unwrap();
    let request = Arc::new(AtomicBool::new(false));
    let received = Arc::clone(&request);
    let routes =
        Router::new().fallback(move || async move { received.store(true, Ordering::SeqCst) });
    let tls_server = tokio::spawn(
        axum_server::from_tcp_rustls(listener, tls).unwrap().serve(routes.into_make_service()),
    );
    server.pull_from(&endpoint).await;
    let progress = server.sync().await;
    assert_eq!(error_of(&progress), ("connect_failed", "customers", 1));
    assert!(
        progress["last_error"]["message"].as_str().unwrap().contains("certificate"),
        "{progress}"
    );
    assert!(!request.load(Ordering::SeqCst));
    tls_server.abort();
    server.stop().await;
}
