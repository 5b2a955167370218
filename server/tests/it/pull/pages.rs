//! Pages of an endpoint without errors.

use std::io::Write;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::endpoint::{Endpoint, RecordedRequest, customer, customers, page};
use super::test_server::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn all_pages_of_all_types_are_stored() {
    let endpoint = Endpoint::start(|request| {
        let (number, has_more) = (request.page(), request.page() < 25);
        match request.path.as_str() {
            "/export/customers" => {
                page((0..4).map(|at| customer(number * 4 + at)).collect(), has_more)
            }
            "/export/plans" => page(
                vec![json!({
                    "id": "p", "name": "P", "interval": "month", "interval_count": 1,
                    "currency": "USD"
                })],
                false,
            ),
            "/export/invoices" => page(
                vec![json!({
                    "id": format!("i{number}"), "customer_id": format!("c{}", number * 4),
                    "type": "subscription", "plan_id": "p", "invoice_date": "2024-02-01",
                    "amount": 9900, "currency": "USD"
                })],
                has_more,
            ),
            other => panic!("{other}"),
        }
    })
    .await;
    let server = TestServer::start().await;
    server.pull_from(&endpoint.url()).await;
    let progress = server.sync().await;
    assert_eq!(
        (&progress["phase"], &progress["state"], &progress["last_error"]),
        (&json!("done"), &json!("done"), &Value::Null)
    );
    let counts = ["enqueuedCount", "processedCount", "failedCount", "pages"]
        .map(|name| progress[name].as_u64().unwrap());
    assert_eq!(counts, [126, 126, 0, 51]);
    let lines = endpoint.lines();
    assert_eq!(lines.len(), 51);
    assert_eq!(
        lines[..3],
        ["/export/customers", "/export/customers?page=2", "/export/customers?page=3"]
    );
    assert_eq!(
        lines[24..28],
        [
            "/export/customers?page=25",
            "/export/plans",
            "/export/invoices",
            "/export/invoices?page=2"
        ]
    );
    assert_eq!(server.customers().await, 100);
    assert_eq!(server.rows("select * from movements where type = 'new'").await, 25);
    // A second sync changes nothing.
    assert_eq!(server.sync().await["processedCount"], 126);
    assert_eq!(server.customers().await, 100);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_configured_types_are_fetched_with_the_endpoints_parameters() {
    let endpoint = Endpoint::start(|request| page(vec![], request.page() < 2)).await;
    let server = TestServer::start().await;
    let request = json!({
        "endpoint": format!("{}/?tenant=a%20b", endpoint.url()),
        "types": ["invoices", "customers"],
    });
    server.put("/v1/data-sources/ds/pull", &request, 200).await;
    assert_eq!(server.sync().await["phase"], "done");
    let pages = [
        "customers?tenant=a%20b",
        "customers?tenant=a%20b&page=2",
        "invoices?tenant=a%20b",
        "invoices?tenant=a%20b&page=2",
    ];
    assert_eq!(endpoint.lines(), pages.map(|line| format!("/export/{line}")));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_array_is_the_only_page() {
    let endpoint = Endpoint::start(|request| {
        let rows = if request.is_of("customers") { vec![customer(1), customer(2)] } else { vec![] };
        axum::Json(rows).into_response()
    })
    .await;
    let server = TestServer::start().await;
    server.pull_from(&endpoint.url()).await;
    assert_eq!(server.sync().await["phase"], "done");
    assert_eq!((endpoint.lines().len(), server.customers().await), (3, 2));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn url_of_the_next_page_is_followed() {
    let endpoint = Endpoint::start(|request| {
        let origin = format!("http://{}", request.header("host").unwrap());
        let (id, next) = match request.line().as_str() {
            "/export/customers" => (1, json!("customers?cursor=b")),
            "/export/customers?cursor=b" => (2, json!("/other/place")),
            "/other/place" => (3, json!(format!("{origin}/last?x=1"))),
            "/last?x=1" => (4, Value::Null),
            _ => return page(vec![], false),
        };
        axum::Json(json!({"data": [customer(id)], "next": next})).into_response()
    })
    .await;
    let server = TestServer::start().await;
    server.pull_from(&endpoint.url()).await;
    let progress = server.sync().await;
    assert_eq!((&progress["phase"], &progress["pages"]), (&json!("done"), &json!(6)));
    assert_eq!(server.customers().await, 4);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_pages_are_decompressed() {
    let endpoint = Endpoint::start(|request| {
        assert_eq!(request.header("accept-encoding"), Some("gzip, zstd"));
        let text = match request.is_of("customers") {
            true => json!({"data": [customer(request.page())], "has_more": request.page() < 2})
                .to_string(),
            false => "[]".to_string(),
        };
        let (encoding, bytes) = match request.page() {
            1 => ("gzip", gzip(text.as_bytes())),
            _ => ("zstd", zstd::encode_all(text.as_bytes(), 3).unwrap()),
        };
        Response::builder().header("content-encoding", encoding).body(Body::from(bytes)).unwrap()
    })
    .await;
    let server = TestServer::start().await;
    server.pull_from(&endpoint.url()).await;
    assert_eq!(server.sync().await["phase"], "done");
    assert_eq!(server.customers().await, 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_objects_are_reported_and_the_others_stored() {
    let endpoint = Endpoint::start(|request| match (request.is_of("customers"), request.page()) {
        (true, 1) => page(vec![customer(1), json!({"id": "x"}), customer(2)], true),
        (true, _) => page(vec![json!(7), customer(3)], false),
        _ => page(vec![], false),
    })
    .await;
    let server = TestServer::start().await;
    server.pull_from(&endpoint.url()).await;
    let progress = server.sync().await;
    let counts = ["enqueuedCount", "processedCount", "failedCount"]
        .map(|name| progress[name].as_u64().unwrap());
    assert_eq!((&progress["phase"], counts), (&json!("done"), [5, 3, 2]));
    let actual: Vec<Value> = progress["rejections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            json!([one["type"], one["page"], one["index"], one["id"], one["errors"][0]["code"]])
        })
        .collect();
    assert_eq!(
        actual,
        [
            json!(["customers", 1, 1, "x", "required"]),
            json!(["customers", 2, 0, null, "malformed"])
        ]
    );
    let one = server.get("/v1/data-sources/ds/progress?rejections=1").await;
    assert_eq!(one["rejections"].as_array().unwrap().len(), 1);
    assert_eq!(server.customers().await, 3);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_pages_and_syncs() {
    let endpoint = Endpoint::start(|request: RecordedRequest| customers(&request, 3)).await;
    let server = TestServer::start().await;
    server.pull_from(&endpoint.url()).await;
    server.sync().await;
    let text = server
        .request(reqwest::Method::GET, "/metrics")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for line in [
        r#"mrrow_pull_pages_total{object="customers"} 3"#,
        r#"mrrow_pull_syncs_total{state="done"} 1"#,
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    server.stop().await;
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
