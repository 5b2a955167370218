//! Where a pull does not connect to, and whom it does not tell credentials.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum_server::tls_rustls::RustlsConfig;
use serde_json::json;

use super::endpoint::{Endpoint, page, redirect, status};
use super::mrrow::{Mrrow, config, error_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_a_private_address_is_not_followed() {
    for target in [
        "http://127.0.0.2:1/secret",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://2130706434/",
    ] {
        let endpoint = Endpoint::start(move |_| redirect(target)).await;
        let mrrow = Mrrow::start().await;
        mrrow.pull_from(&endpoint.url()).await;
        let progress = mrrow.sync().await;
        assert_eq!(
            (error_of(&progress), endpoint.lines().len()),
            (("address_refused", "customers", 1), 1),
            "{target}"
        );
        let message = progress["last_error"]["message"].as_str().unwrap();
        assert!(message.contains("--pull-allow"), "{message}");
        mrrow.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_a_private_address_is_not_connected_to() {
    let endpoint = Endpoint::start(|_| page(vec![], false)).await;
    let mut config = config();
    config.pull_allowed = vec![];
    let mrrow = Mrrow::start_with(config).await;
    let endpoint_by_name = endpoint.url().replace("127.0.0.1", "localhost");
    mrrow.pull_from(&endpoint_by_name).await;
    let progress = mrrow.sync().await;
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
        mrrow.put("/v1/data-sources/ds/pull", &json!({"endpoint": endpoint.url()}), 400).await;
    assert!(refused["message"].as_str().unwrap().contains("--pull-allow 127.0.0.1"), "{refused}");
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_the_operator_allows_is_connected_to() {
    let endpoint = Endpoint::start(|_| page(vec![], false)).await;
    let mut config = config();
    config.pull_allowed = vec!["localhost".parse().unwrap()];
    let mrrow = Mrrow::start_with(config).await;
    mrrow.pull_from(&endpoint.url().replace("127.0.0.1", "localhost")).await;
    assert_eq!(mrrow.sync().await["phase"], "done");
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_stay_at_the_endpoints_origin() {
    let other = Endpoint::start(|asked| match asked.header("authorization") {
        None => page(vec![], false),
        Some(_) => panic!("the credentials were told"),
    })
    .await;
    let target = other.origin();
    let endpoint = Endpoint::start(move |asked| match asked.path.as_str() {
        "/export/customers" => redirect("/moved"),
        "/moved" => page(vec![], false),
        _ => redirect(&format!("{target}/elsewhere")),
    })
    .await;
    let mrrow = Mrrow::start().await;
    let request = json!({"endpoint": endpoint.url(), "authentication": {"type": "bearer", "token": "s3cret"}});
    mrrow.put("/v1/data-sources/ds/pull", &request, 200).await;
    assert_eq!(mrrow.sync().await["phase"], "done");
    assert!(
        endpoint.asked().iter().all(|asked| asked.header("authorization") == Some("Bearer s3cret"))
    );
    assert_eq!((endpoint.lines().len(), other.lines().len()), (4, 2));
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_redirected_without_credentials_is_told_why_they_are_missed() {
    let other = Endpoint::start(|_| status(401)).await;
    let target = other.origin();
    let endpoint = Endpoint::start(move |_| redirect(&target)).await;
    let mrrow = Mrrow::start().await;
    mrrow.pull_from(&endpoint.url()).await;
    let progress = mrrow.sync().await;
    assert_eq!(progress["last_error"]["status"], 401);
    assert!(
        progress["last_error"]["message"].as_str().unwrap().contains("redirected to another host")
    );
    mrrow.stop().await;
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
            Endpoint::start(|asked| page(vec![json!(asked.page())], asked.page() < 2)).await;
        let mrrow = Mrrow::start().await;
        mrrow
            .put(
                "/v1/data-sources/ds/pull",
                &json!({"endpoint": endpoint.url(), "authentication": authentication}),
                200,
            )
            .await;
        assert_eq!(mrrow.sync().await["phase"], "done");
        assert_eq!(endpoint.asked().len(), 6);
        assert!(endpoint.asked().iter().all(|asked| asked.header(header) == value));
        mrrow.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_nobody_vouches_for_is_told_nothing() {
    let mrrow = Mrrow::start().await;
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_string()]).unwrap();
    let tls =
        RustlsConfig::from_pem(made.cert.pem().into(), made.signing_key.serialize_pem().into())
            .await
            .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    listener.set_nonblocking(true).unwrap();
    let asked = Arc::new(AtomicBool::new(false));
    let was_asked = Arc::clone(&asked);
    let routes =
        Router::new().fallback(move || async move { was_asked.store(true, Ordering::SeqCst) });
    let server = tokio::spawn(
        axum_server::from_tcp_rustls(listener, tls).unwrap().serve(routes.into_make_service()),
    );
    mrrow.pull_from(&endpoint).await;
    let progress = mrrow.sync().await;
    assert_eq!(error_of(&progress), ("connect_failed", "customers", 1));
    assert!(
        progress["last_error"]["message"].as_str().unwrap().contains("certificate"),
        "{progress}"
    );
    assert!(!asked.load(Ordering::SeqCst));
    server.abort();
    mrrow.stop().await;
}
