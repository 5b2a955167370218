//! The settings of a pull, and the keys that may change them.

use mrrow_engine::access::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::test_server::{TestServer, config, expect};

const PULL: &str = "/v1/data-sources/ds/pull";

#[tokio::test(flavor = "multi_thread")]
async fn pull_settings_are_set_shown_and_deleted() {
    let server = TestServer::start().await;
    assert_eq!(
        expect(server.request(Method::GET, PULL).send().await.unwrap(), 404).await["code"],
        "no_endpoint"
    );
    let set =
        server.put(PULL, &json!({"endpoint": "https://billing.example.com/export#x"}), 200).await;
    assert_eq!(
        set,
        json!({
            "data_source": "ds", "endpoint": "https://billing.example.com/export",
            "types": ["customers", "plans", "invoices"],
            "authentication": {"type": "none"}, "schedule": {"type": "none"},
            "next_sync_at": null, "updated_at": "2024-06-01T12:00:00Z",
        })
    );
    let request = json!({
        "endpoint": "https://billing.example.com", "types": ["invoices", "plans", "plans"],
        "authentication": {"type": "header", "name": "X-Api-Key", "value": "s3cret"},
        "schedule": {"type": "cron", "cron": "0 3 * * *"},
    });
    server.put("/data/data-sources/A%20shop/pull", &request, 200).await;
    let shown = server.get(PULL).await;
    assert_eq!(shown["types"], json!(["plans", "invoices"]));
    assert_eq!(shown["authentication"], json!({"type": "header", "name": "X-Api-Key"}));
    assert_eq!(
        (&shown["schedule"], &shown["next_sync_at"]),
        (&request["schedule"], &json!("2024-06-02T03:00:00Z"))
    );
    let deleted = expect(server.request(Method::DELETE, PULL).send().await.unwrap(), 200).await;
    assert_eq!(deleted, json!({"success": true, "id": "ds"}));
    expect(server.request(Method::DELETE, PULL).send().await.unwrap(), 404).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_credentials_stay_while_the_endpoint_keeps_its_host() {
    let server = TestServer::start().await;
    let authentication = json!({"type": "bearer", "token": "s3cret"});
    server
        .put(
            PULL,
            &json!({"endpoint": "https://a.example/v1", "authentication": authentication}),
            200,
        )
        .await;
    let moved = server.put(PULL, &json!({"endpoint": "https://a.example/v2"}), 200).await;
    assert_eq!(moved["authentication"], json!({"type": "bearer"}));
    for elsewhere in ["https://b.example/v2", "http://a.example/v2", "https://a.example:8443/v2"] {
        let refused = server.put(PULL, &json!({"endpoint": elsewhere}), 400).await;
        assert_eq!(refused["errors"][0]["field"], "authentication");
    }
    let moved = server
        .put(
            PULL,
            &json!({"endpoint": "https://b.example/", "authentication": {"type": "none"}}),
            200,
        )
        .await;
    assert_eq!(moved["authentication"], json!({"type": "none"}));
    assert_eq!(server.engine.pull("ds").await.unwrap().unwrap().sealed_credentials, None);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_settings_are_rejected_with_the_field() {
    let server = TestServer::start().await;
    let with = |name: &str, value: Value| {
        let mut request = json!({"endpoint": "https://a.example"});
        request[name] = value;
        request
    };
    for (request, field) in [
        (with("endpoint", json!("billing.example.com")), "endpoint"),
        (with("endpoint", json!("ftp://a.example")), "endpoint"),
        (with("endpoint", json!("https://user:s3cret@a.example")), "endpoint"),
        (with("endpoint", json!("http://10.0.0.1/")), "endpoint"),
        (with("endpoint", json!(format!("https://a.example/{}", "x".repeat(2048)))), "endpoint"),
        (with("types", json!([])), "types"),
        (with("types", json!(["plans", "plans", "plans", "plans"])), "types"),
        (with("authentication", json!({"type": "bearer", "token": 53})), "authentication"),
        (with("authentication", json!("s3cret")), "authentication"),
        (with("authentication", json!({"type": "basic", "username": "s3cret"})), "authentication"),
        (
            with("authentication", json!({"type": "header", "name": "Host", "value": "s3cret"})),
            "authentication.name",
        ),
        (
            with("authentication", json!({"type": "header", "name": "X-Key", "value": "s3cret\n"})),
            "authentication.value",
        ),
        (with("schedule", json!({"type": "interval", "seconds": 59})), "schedule.seconds"),
        (with("schedule", json!({"type": "cron", "cron": "every day"})), "schedule.cron"),
    ] {
        let refused = server.put(PULL, &request, 400).await;
        assert_eq!(refused["errors"][0]["field"], field, "{request}: {refused}");
        assert!(!refused.to_string().contains("s3cret"), "{refused}");
    }
    for request in [
        json!({}),
        with("types", json!(["refunds"])),
        with("more", json!(1)),
        with("schedule", json!({"type": "hourly"})),
        json!([]),
    ] {
        server.put(PULL, &request, 400).await;
    }
    expect(server.request(Method::GET, PULL).send().await.unwrap(), 404).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn data_source_is_created_with_its_endpoint() {
    let server = TestServer::start().await;
    let body = json!({"name": "Fetched", "id": "fetched", "pull": {
        "endpoint": "https://a.example/export",
        "authentication": {"type": "bearer", "token": "secret"}}});
    let make = |body: Value| {
        server.request(Method::POST, "/v1/data-sources").body(body.to_string()).send()
    };
    expect(make(body.clone()).await.unwrap(), 201).await;
    let pull = server.get("/v1/data-sources/fetched/pull").await;
    assert_eq!(
        (&pull["endpoint"], &pull["authentication"]["type"]),
        (&json!("https://a.example/export"), &json!("bearer"))
    );
    // An invalid endpoint leaves no data source.
    let mut refused = body;
    refused["id"] = json!("refused");
    refused["pull"]["endpoint"] = json!("http://10.0.0.1/");
    expect(make(refused).await.unwrap(), 400).await;
    expect(server.request(Method::GET, "/v1/data-sources/refused").send().await.unwrap(), 404)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn data_source_is_not_created_when_its_credentials_cannot_be_stored() {
    let mut config = config();
    // A directory cannot be a key file.
    config.secret_key_file = Some(std::env::temp_dir());
    let server = TestServer::start_with(config).await;
    let body = json!({"name": "Fetched", "id": "fetched", "pull": {
        "endpoint": "https://a.example/export",
        "authentication": {"type": "bearer", "token": "secret"}}});
    let made = server
        .request(Method::POST, "/v1/data-sources")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    assert!(made.status().is_server_error(), "{made:?}");
    expect(server.request(Method::GET, "/v1/data-sources/fetched").send().await.unwrap(), 404)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn viewer_reads_progress_and_changes_nothing() {
    let server = TestServer::start().await;
    server.pull_from("https://a.example").await;
    let viewer = server.new_key(Role::Viewer, None).await;
    let stranger = server.new_key(Role::Admin, Some("ds")).await;
    server
        .engine
        .create_data_source(
            mrrow_engine::sources::NewDataSource {
                id: Some("other".into()),
                name: "Other".into(),
                kind: None,
            },
            [1; 16],
        )
        .await
        .unwrap();
    for (method, path) in [
        (Method::GET, "pull"),
        (Method::DELETE, "pull"),
        (Method::POST, "sync"),
        (Method::POST, "full-import"),
        (Method::POST, "abort"),
    ] {
        for (key, source, status) in [
            (viewer.as_str(), "ds", 403),
            (&stranger, "other", 403),
            ("wrong", "ds", 401),
            (&server.key, "nowhere", 404),
        ] {
            for prefix in ["/v1", "/data", ""] {
                let path = format!("{prefix}/data-sources/{source}/{path}");
                let answer = server.request_with(key, method.clone(), &path).send().await.unwrap();
                let refused = expect(answer, status).await;
                assert!(
                    refused["error"].is_string() && refused["request_id"].is_string(),
                    "{refused}"
                );
            }
        }
    }
    for (key, source, status) in [
        (&viewer, "ds", 200),
        (&stranger, "ds", 200),
        (&stranger, "other", 403),
        (&server.key, "nowhere", 404),
    ] {
        let answer = server
            .request_with(key, Method::GET, &format!("/data/data-sources/{source}/progress"))
            .send()
            .await
            .unwrap();
        expect(answer, status).await;
    }
    server.stop().await;
}
