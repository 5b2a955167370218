//! How a pull is configured, and by whom.

use mrrow_engine::access::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::mrrow::{Mrrow, config, expect};

const PULL: &str = "/v1/data-sources/ds/pull";

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_is_set_shown_and_forgotten() {
    let mrrow = Mrrow::start().await;
    assert_eq!(
        expect(mrrow.ask(Method::GET, PULL).send().await.unwrap(), 404).await["code"],
        "no_endpoint"
    );
    let set =
        mrrow.put(PULL, &json!({"endpoint": "https://billing.example.com/export#x"}), 200).await;
    assert_eq!(
        set,
        json!({
            "data_source": "ds", "endpoint": "https://billing.example.com/export", "types": ["customers", "plans", "invoices"],
            "authentication": {"type": "none"}, "schedule": {"type": "none"}, "next_sync_at": null, "updated_at": "2024-06-01T12:00:00Z",
        })
    );
    let request = json!({
        "endpoint": "https://billing.example.com", "types": ["invoices", "plans", "plans"],
        "authentication": {"type": "header", "name": "X-Api-Key", "value": "s3cret"}, "schedule": {"type": "cron", "cron": "0 3 * * *"},
    });
    mrrow.put("/data/data-sources/A%20shop/pull", &request, 200).await;
    let shown = mrrow.get(PULL).await;
    assert_eq!(shown["types"], json!(["plans", "invoices"]));
    assert_eq!(shown["authentication"], json!({"type": "header", "name": "X-Api-Key"}));
    assert_eq!(
        (&shown["schedule"], &shown["next_sync_at"]),
        (&request["schedule"], &json!("2024-06-02T03:00:00Z"))
    );
    let deleted = expect(mrrow.ask(Method::DELETE, PULL).send().await.unwrap(), 200).await;
    assert_eq!(deleted, json!({"success": true, "id": "ds"}));
    expect(mrrow.ask(Method::DELETE, PULL).send().await.unwrap(), 404).await;
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_stay_set_while_the_endpoint_stays_at_its_host() {
    let mrrow = Mrrow::start().await;
    let authentication = json!({"type": "bearer", "token": "s3cret"});
    mrrow
        .put(
            PULL,
            &json!({"endpoint": "https://a.example/v1", "authentication": authentication}),
            200,
        )
        .await;
    let moved = mrrow.put(PULL, &json!({"endpoint": "https://a.example/v2"}), 200).await;
    assert_eq!(moved["authentication"], json!({"type": "bearer"}));
    for elsewhere in ["https://b.example/v2", "http://a.example/v2", "https://a.example:8443/v2"] {
        let refused = mrrow.put(PULL, &json!({"endpoint": elsewhere}), 400).await;
        assert_eq!(refused["errors"][0]["field"], "authentication");
    }
    let moved = mrrow
        .put(
            PULL,
            &json!({"endpoint": "https://b.example/", "authentication": {"type": "none"}}),
            200,
        )
        .await;
    assert_eq!(moved["authentication"], json!({"type": "none"}));
    assert_eq!(mrrow.engine.pull("ds").await.unwrap().unwrap().sealed_credentials, None);
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_fetched_is_refused_with_the_field() {
    let mrrow = Mrrow::start().await;
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
        let refused = mrrow.put(PULL, &request, 400).await;
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
        mrrow.put(PULL, &request, 400).await;
    }
    expect(mrrow.ask(Method::GET, PULL).send().await.unwrap(), 404).await;
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_made_with_its_endpoint() {
    let mrrow = Mrrow::start().await;
    let body = json!({"name": "Fetched", "id": "fetched", "pull": {"endpoint": "https://a.example/export",
        "authentication": {"type": "bearer", "token": "secret"}}});
    let make =
        |body: Value| mrrow.ask(Method::POST, "/v1/data-sources").body(body.to_string()).send();
    expect(make(body.clone()).await.unwrap(), 201).await;
    let pull = mrrow.get("/v1/data-sources/fetched/pull").await;
    assert_eq!(
        (&pull["endpoint"], &pull["authentication"]["type"]),
        (&json!("https://a.example/export"), &json!("bearer"))
    );
    // One that cannot be fetched is not made.
    let mut refused = body;
    refused["id"] = json!("refused");
    refused["pull"]["endpoint"] = json!("http://10.0.0.1/");
    expect(make(refused).await.unwrap(), 400).await;
    expect(mrrow.ask(Method::GET, "/v1/data-sources/refused").send().await.unwrap(), 404).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_whose_credentials_cannot_be_kept_is_not_made() {
    let mut config = config();
    // A directory is no file for a key.
    config.secret_key_file = Some(std::env::temp_dir());
    let mrrow = Mrrow::start_with(config).await;
    let body = json!({"name": "Fetched", "id": "fetched", "pull": {"endpoint": "https://a.example/export",
        "authentication": {"type": "bearer", "token": "secret"}}});
    let made =
        mrrow.ask(Method::POST, "/v1/data-sources").body(body.to_string()).send().await.unwrap();
    assert!(made.status().is_server_error(), "{made:?}");
    expect(mrrow.ask(Method::GET, "/v1/data-sources/fetched").send().await.unwrap(), 404).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_watches_and_changes_nothing() {
    let mrrow = Mrrow::start().await;
    mrrow.pull_from("https://a.example").await;
    let viewer = mrrow.new_key(Role::Viewer, None).await;
    let stranger = mrrow.new_key(Role::Admin, Some("ds")).await;
    mrrow
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
            (&mrrow.key, "nowhere", 404),
        ] {
            for prefix in ["/v1", "/data", ""] {
                let path = format!("{prefix}/data-sources/{source}/{path}");
                let answer = mrrow.ask_with(key, method.clone(), &path).send().await.unwrap();
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
        (&mrrow.key, "nowhere", 404),
    ] {
        let answer = mrrow
            .ask_with(key, Method::GET, &format!("/data/data-sources/{source}/progress"))
            .send()
            .await
            .unwrap();
        expect(answer, status).await;
    }
    mrrow.stop().await;
}
