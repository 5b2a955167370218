//! What is fetched when an endpoint does as it should.

use std::io::Write;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::endpoint::{Asked, Endpoint, customer, customers, page};
use super::mrrow::Mrrow;

#[tokio::test(flavor = "multi_thread")]
async fn all_pages_of_all_types_are_stored() {
    let endpoint = Endpoint::start(|asked| {
        let (number, has_more) = (asked.page(), asked.page() < 25);
        match asked.path.as_str() {
            "/export/customers" => page((0..4).map(|at| customer(number * 4 + at)).collect(), has_more),
            "/export/plans" => page(vec![json!({"id": "p", "name": "P", "interval": "month", "interval_count": 1, "currency": "USD"})], false),
            "/export/invoices" => page(
                vec![json!({"id": format!("i{number}"), "customer_id": format!("c{}", number * 4), "type": "subscription", "plan_id": "p",
                    "invoice_date": "2024-02-01", "amount": 9900, "currency": "USD"})],
                has_more,
            ),
            other => panic!("{other}"),
        }
    })
    .await;
    let mrrow = Mrrow::start().await;
    mrrow.pull_from(&endpoint.url()).await;
    let progress = mrrow.sync().await;
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
    assert_eq!(mrrow.customers().await, 100);
    assert_eq!(mrrow.rows("select * from movements where type = 'new'").await, 25);
    // Again changes nothing.
    assert_eq!(mrrow.sync().await["processedCount"], 126);
    assert_eq!(mrrow.customers().await, 100);
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_chosen_types_are_fetched_and_the_endpoints_parameters_are_kept() {
    let endpoint = Endpoint::start(|asked| page(vec![], asked.page() < 2)).await;
    let mrrow = Mrrow::start().await;
    let request = json!({"endpoint": format!("{}/?tenant=a%20b", endpoint.url()), "types": ["invoices", "customers"]});
    mrrow.put("/v1/data-sources/ds/pull", &request, 200).await;
    assert_eq!(mrrow.sync().await["phase"], "done");
    let pages = [
        "customers?tenant=a%20b",
        "customers?tenant=a%20b&page=2",
        "invoices?tenant=a%20b",
        "invoices?tenant=a%20b&page=2",
    ];
    assert_eq!(endpoint.lines(), pages.map(|line| format!("/export/{line}")));
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_array_is_all_there_is() {
    let endpoint = Endpoint::start(|asked| {
        let rows = if asked.is_of("customers") { vec![customer(1), customer(2)] } else { vec![] };
        axum::Json(rows).into_response()
    })
    .await;
    let mrrow = Mrrow::start().await;
    mrrow.pull_from(&endpoint.url()).await;
    assert_eq!(mrrow.sync().await["phase"], "done");
    assert_eq!((endpoint.lines().len(), mrrow.customers().await), (3, 2));
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_pages_url_is_followed_where_it_is_told() {
    let endpoint = Endpoint::start(|asked| {
        let origin = format!("http://{}", asked.header("host").unwrap());
        let (id, next) = match asked.line().as_str() {
            "/export/customers" => (1, json!("customers?cursor=b")),
            "/export/customers?cursor=b" => (2, json!("/other/place")),
            "/other/place" => (3, json!(format!("{origin}/last?x=1"))),
            "/last?x=1" => (4, Value::Null),
            _ => return page(vec![], false),
        };
        axum::Json(json!({"data": [customer(id)], "next": next})).into_response()
    })
    .await;
    let mrrow = Mrrow::start().await;
    mrrow.pull_from(&endpoint.url()).await;
    let progress = mrrow.sync().await;
    assert_eq!((&progress["phase"], &progress["pages"]), (&json!("done"), &json!(6)));
    assert_eq!(mrrow.customers().await, 4);
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_pages_are_decompressed() {
    let endpoint = Endpoint::start(|asked| {
        assert_eq!(asked.header("accept-encoding"), Some("gzip, zstd"));
        let text = match asked.is_of("customers") {
            true => {
                json!({"data": [customer(asked.page())], "has_more": asked.page() < 2}).to_string()
            }
            false => "[]".to_string(),
        };
        let (encoding, bytes) = match asked.page() {
            1 => ("gzip", gzip(text.as_bytes())),
            _ => ("zstd", zstd::encode_all(text.as_bytes(), 3).unwrap()),
        };
        Response::builder().header("content-encoding", encoding).body(Body::from(bytes)).unwrap()
    })
    .await;
    let mrrow = Mrrow::start().await;
    mrrow.pull_from(&endpoint.url()).await;
    assert_eq!(mrrow.sync().await["phase"], "done");
    assert_eq!(mrrow.customers().await, 2);
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_wrong_are_told_and_the_others_stored() {
    let endpoint = Endpoint::start(|asked| match (asked.is_of("customers"), asked.page()) {
        (true, 1) => page(vec![customer(1), json!({"id": "x"}), customer(2)], true),
        (true, _) => page(vec![json!(7), customer(3)], false),
        _ => page(vec![], false),
    })
    .await;
    let mrrow = Mrrow::start().await;
    mrrow.pull_from(&endpoint.url()).await;
    let progress = mrrow.sync().await;
    let counts = ["enqueuedCount", "processedCount", "failedCount"]
        .map(|name| progress[name].as_u64().unwrap());
    assert_eq!((&progress["phase"], counts), (&json!("done"), [5, 3, 2]));
    let told: Vec<Value> = progress["rejections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            json!([one["type"], one["page"], one["index"], one["id"], one["errors"][0]["code"]])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!(["customers", 1, 1, "x", "required"]),
            json!(["customers", 2, 0, null, "malformed"])
        ]
    );
    let one = mrrow.get("/v1/data-sources/ds/progress?rejections=1").await;
    assert_eq!(one["rejections"].as_array().unwrap().len(), 1);
    assert_eq!(mrrow.customers().await, 3);
    mrrow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_syncs_are_counted() {
    let endpoint = Endpoint::start(|asked: Asked| customers(&asked, 3)).await;
    let mrrow = Mrrow::start().await;
    mrrow.pull_from(&endpoint.url()).await;
    mrrow.sync().await;
    let text =
        mrrow.ask(reqwest::Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    for line in [
        r#"mrrow_pull_pages_total{object="customers"} 3"#,
        r#"mrrow_pull_syncs_total{state="done"} 1"#,
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    mrrow.stop().await;
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
