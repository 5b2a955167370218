//! Reads over HTTP: formats, snapshots, restricted keys and ETags.

use std::time::{Duration, Instant};

use mrrow_engine::access::{NewKey, Role};
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::PushOptions;
use mrrow_engine::sources::NewDataSource;
use serde_json::{Value, json};

use crate::listening_server::{ListeningServer, RawResponse, SOURCE};

const OTHER: &str = "other";

/// A server with a customer in each of two data sources, with 10.00 and 70.00 a month.
async fn with_two_sources() -> ListeningServer {
    let server = ListeningServer::start().await;
    let other =
        NewDataSource { id: Some(OTHER.to_string()), name: "Other".to_string(), kind: None };
    server.engine.create_data_source(other, [1; 16]).await.unwrap();
    push(&server, SOURCE, "Ours", 1000).await;
    push(&server, OTHER, "Secret", 7000).await;
    server.engine.flush().await.unwrap();
    server
}

async fn push(server: &ListeningServer, source: &str, name: &str, amount: i64) -> i64 {
    let book = json!({
        "customers": [{"id": "c1", "name": name}],
        "plans": [{"id": "p1", "name": name, "interval": "month", "interval_count": 1,
            "currency": "USD"}],
        "invoices": [{"id": "i1", "customer_id": "c1", "type": "subscription",
            "invoice_date": "2024-03-01", "amount": amount,
            "currency": "USD", "plan_id": "p1", "subscription_id": "s1",
                "period_start": "2024-03-01", "period_end": "2024-04-01"}],
    });
    let pushed = server
        .engine
        .push(source, None, book.to_string().into_bytes(), &PushOptions::default())
        .await
        .unwrap();
    assert!(pushed.stored, "{:?}", pushed.rejections);
    pushed.sequence
}

/// A request with this key.
async fn request(
    server: &ListeningServer,
    key: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> RawResponse {
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: \
            close\r\n"
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    RawResponse::of(
        &server.exchange(format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await,
    )
}

async fn key_of(server: &ListeningServer, role: Role, sources: &[&str]) -> String {
    let data_sources = Some(sources.iter().map(|source| source.to_string()).collect());
    let new = NewKey { name: "restricted".to_string(), role, data_sources, expires_at: None };
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).unwrap();
    server.engine.create_key(&new, secret).await.unwrap().1
}

fn header(answer: &RawResponse, name: &str) -> String {
    let line = answer.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name}: {}", answer.head)).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn movements_and_mrr_have_every_format() {
    let server = with_two_sources().await;
    let movements = server.get("/v1/movements?as_of=2024-03-20").await.json();
    assert_eq!(movements["as_of"], "2024-03-20");
    assert_eq!(movements["snapshot"], server.engine.newest().await.unwrap().snapshot);
    let rows = movements["result"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        rows[1],
        json!({"date": "2024-03-01", "data_source": SOURCE, "customer_id": "c1", "currency": "USD",
            "type": "new",
            "amount": "1000.0000", "mrr_after": "1000.0000", "scheduled": false})
    );
    let csv =
        server.get("/v1/movements?as_of=2024-03-20&format=csv&causes=true&data_source=shop").await;
    assert_eq!(header(&csv, "content-type"), "text/csv");
    let lines: Vec<&str> = csv.body.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].ends_with("cause,subtype,voluntary,invoice_ids")
            && lines[1].contains("\"[\"\"i1\"\"]\""),
        "{csv:?}"
    );
    let ndjson = server
        .request("GET", "/v1/mrr?as_of=2024-03-20", &[("accept", "application/x-ndjson")], b"")
        .await;
    let period: Value = serde_json::from_str(ndjson.body.lines().last().unwrap()).unwrap();
    assert_eq!((&period["closing"], &period["customers"]), (&json!("8000.0000"), &json!(2)));
    for (format, begins) in [("parquet", "PAR1"), ("arrow", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}")] {
        let answer = server.get(&format!("/v1/mrr?format={format}")).await;
        let media = format!("content-type: application/vnd.apache.{format}");
        assert!(answer.status == 200 && answer.head.contains(&media), "{}", answer.head);
        assert!(
            server
                .exchange(raw(&server, &format!("/v1/mrr?format={format}")))
                .await
                .contains(begins),
            "{format}"
        );
    }
    for (name, rows) in [
        ("customers", 2),
        ("plans", 2),
        ("invoices", 2),
        ("movements", 4),
        ("scheduled_movements", 0),
    ] {
        let table = server.get(&format!("/v1/tables/{name}?format=ndjson")).await;
        assert_eq!(table.body.lines().count(), rows, "{name}: {table:?}");
    }
    let parquet = server.get("/v1/tables/invoices").await;
    assert_eq!(
        header(&parquet, "content-disposition"),
        "attachment; filename=\"invoices.parquet\""
    );
}

fn raw(server: &ListeningServer, path: &str) -> String {
    let key = &server.admin;
    format!(
        "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_and_their_shorter_paths_answer_the_same() {
    let server = with_two_sources().await;
    for (report, query) in [
        ("movements", "as_of=2024-03-20"),
        ("movements", "as_of=2024-04-20&scheduled=1&causes&customer=other/c1"),
        ("movements", "from=2024-03-01&to=2024-03-01&data_source=shop&format=csv"),
        ("mrr", "as_of=2024-03-20&interval=week&from=2024-02-01"),
        ("mrr", "to=2024-12-31&format=ndjson&min_sequence=1"),
    ] {
        let short = server.get(&format!("/v1/{report}?{query}")).await;
        let named = server.get(&format!("/v1/reports/{report}?{query}")).await;
        assert_eq!((short.status, named.status), (200, 200), "{report} {query}: {}", named.body);
        assert_eq!(short.body, named.body, "{report} {query}");
        let ignored = server.get(&format!("/v1/{report}?{query}&colour=red")).await;
        assert_eq!(ignored.body, short.body, "{report} {query}");
    }
    let unknown = server.get("/v1/reports/mrr?colour=red").await.json();
    assert_eq!(unknown["errors"][0]["field"], "colour");
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_parameters_are_refused() {
    let server = ListeningServer::start().await;
    for (path, status, code) in [
        ("/v1/movements?from=2024-2-30", 400, "invalid_request"),
        ("/v1/movements?scheduled=perhaps", 400, "invalid_request"),
        ("/v1/mrr?interval=hour", 400, "invalid_request"),
        ("/v1/mrr?format=xml", 400, "invalid_request"),
        ("/v1/mrr?snapshot=7", 400, "invalid_request"),
        ("/v1/mrr?snapshot=1&known_at=2024-01-01T00:00:00Z", 400, "invalid_request"),
        ("/v1/mrr?known_at=2024-01-01", 400, "invalid_query"),
        ("/v1/mrr?interval=day&from=0001-01-01", 400, "invalid_request"),
        ("/v1/mrr?data_source=nobody", 404, "data_source_not_found"),
        ("/v1/tables/refreshes", 404, "table_not_found"),
        ("/v1/reports/churned", 404, "unknown_report"),
        ("/v1/reports/subscribers", 404, "unknown_report"),
        ("/v1/reports/mrr?colour=red", 400, "unknown_parameter"),
        ("/v1/reports/mrr?interval=hour", 400, "invalid_request"),
        ("/v1/reports/mrr?to=2024-01-01&to=2024-01-02", 400, "invalid_request"),
        ("/reports/mrr", 404, "not_served_yet"),
        ("/v1/snapshots?limit=0", 400, "invalid_request"),
    ] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}");
    }
    let answer = server.request("GET", "/v1/mrr", &[("accept", "image/png")], b"").await;
    assert_eq!((answer.status, answer.code().as_str()), (406, "not_acceptable"));
    let answer = server.request("POST", "/v1/sql", &[], br#"{"sql": "select 1"}"#).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "sql_unavailable"));
}

#[tokio::test(flavor = "multi_thread")]
async fn restricted_key_reads_only_its_sources() {
    let server = with_two_sources().await;
    let key = key_of(&server, Role::Viewer, &[SOURCE]).await;
    for path in [
        "/v1/movements?causes=true",
        "/v1/mrr?format=csv",
        "/v1/tables/customers?format=json",
        "/v1/tables/plans?format=ndjson",
        "/v1/tables/invoices?format=csv",
        "/v1/tables/mrr_lines?format=csv",
        "/v1/tables/movements?format=csv",
    ] {
        let answer = request(&server, &key, "GET", path, &[], "").await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        for theirs in ["Secret", "7000", "8000", "other"] {
            assert!(!answer.body.contains(theirs), "{path}: {}", answer.body);
        }
        assert_ne!(header(&answer, "etag"), header(&server.get(path).await, "etag"), "{path}");
    }
    assert_eq!(
        request(&server, &key, "GET", "/v1/mrr?data_source=other", &[], "").await.status,
        403
    );
    let admin = key_of(&server, Role::Admin, &[SOURCE]).await;
    assert_eq!(request(&server, &admin, "GET", "/v1/status", &[], "").await.status, 403);
    assert_eq!(
        request(&server, &admin, "PUT", "/v1/settings", &[], r#"{"grace_days": 3}"#).await.status,
        403
    );
    assert_eq!(
        request(&server, &server.viewer, "PUT", "/v1/settings", &[], r#"{"grace_days": 3}"#)
            .await
            .status,
        403
    );
    assert_eq!(request(&server, &server.viewer, "GET", "/v1/status", &[], "").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_response_is_304() {
    let server = with_two_sources().await;
    let path = "/v1/movements?to=2024-03-31";
    let tag = header(&server.get(path).await, "etag");
    // The tests' client lowers the case of heads; a tag has only its W in upper case.
    let tag = tag.replace("w/", "W/");
    let known =
        server.request("GET", path, &[("if-none-match", &format!("\"x\", {tag}"))], b"").await;
    assert_eq!((known.status, known.body.as_str()), (304, ""), "{known:?}");
    for other in [
        "/v1/movements?to=2024-03-30",
        "/v1/movements?to=2024-03-31&format=csv",
        "/v1/mrr?to=2024-03-31",
    ] {
        assert_eq!(
            server.request("GET", other, &[("if-none-match", &tag)], b"").await.status,
            200,
            "{other}"
        );
    }
    push(&server, SOURCE, "Ours", 2000).await;
    server.engine.flush().await.unwrap();
    let changed = server.request("GET", path, &[("if-none-match", &tag)], b"").await;
    assert!(changed.status == 200 && changed.body.contains("2000.0000"), "{changed:?}");
    assert_ne!(header(&changed, "etag").replace("w/", "W/"), tag);
}

#[tokio::test(flavor = "multi_thread")]
async fn read_waits_for_its_min_sequence() {
    let server = ListeningServer::start().await;
    let sequence = push(&server, SOURCE, "Ours", 1000).await;
    let seen =
        server.get(&format!("/v1/tables/customers?format=csv&min_sequence={sequence}")).await;
    assert!(seen.status == 200 && seen.body.contains("Ours"), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wait_for_min_sequence_is_limited() {
    const WAIT: Duration = Duration::from_millis(300);
    let server = ListeningServer::with(|config| config.limits.wait_time = WAIT).await;
    let begun = Instant::now();
    let never = server.get("/v1/mrr?min_sequence=1").await;
    assert_eq!((never.status, never.code().as_str()), (503, "not_yet_published"));
    assert_eq!(header(&never, "retry-after"), "1");
    assert!(begun.elapsed() >= WAIT);
    // Every read waits.
    for path in [
        "status",
        "snapshots",
        "settings",
        "data/customers",
        "data/customers/c1",
        "data/plan-groups",
        "data-sources",
        "data-sources/shop/imports",
    ] {
        let never = server.get(&format!("/v1/{path}?min_sequence=1")).await;
        assert_eq!((never.status, never.code().as_str()), (503, "not_yet_published"), "{path}");
    }
    let sql =
        server.request("POST", "/v1/sql?min_sequence=1", &[], br#"{"sql": "select 1"}"#).await;
    assert_eq!(sql.status, 503, "{sql:?}");
    let no_method = server.request("DELETE", "/v1/movements?min_sequence=1", &[], b"").await;
    assert_eq!(no_method.status, 405, "a refused method does not wait");
    let wrong = server.get("/v1/status?min_sequence=soon").await;
    assert_eq!((wrong.status, wrong.code().as_str()), (400, "invalid_query"));
    // A request without a key is refused at once.
    let begun = Instant::now();
    assert_eq!(
        request(&server, "wrong", "GET", "/v1/status?min_sequence=1", &[], "").await.status,
        401
    );
    assert!(begun.elapsed() < WAIT);
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_settings_are_304() {
    let server = ListeningServer::start().await;
    let tag = header(&server.get("/v1/settings").await, "etag").replace("w/", "W/");
    let again = server.request("GET", "/v1/settings", &[("if-none-match", &tag)], b"").await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    let change = br#"{"timezone": "Europe/Paris"}"#;
    assert_eq!(server.request("PUT", "/v1/settings", &[], change).await.status, 200);
    let changed = server.request("GET", "/v1/settings", &[("if-none-match", &tag)], b"").await;
    assert!(changed.status == 200 && changed.body.contains("Europe/Paris"), "{changed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn past_snapshot_is_read() {
    let server = with_two_sources().await;
    let newest = server.engine.newest().await.unwrap().snapshot;
    let customer = br#"[{"id": "c2", "name": "Later"}]"#.to_vec();
    server
        .engine
        .push(SOURCE, Some(ObjectType::Customers), customer, &PushOptions::default())
        .await
        .unwrap();
    server.engine.flush().await.unwrap();
    let now = server.get("/v1/tables/customers?format=csv").await;
    assert!(now.body.contains("Later"), "{now:?}");
    let then = server.get(&format!("/v1/tables/customers?format=csv&snapshot={newest}")).await;
    assert!(
        then.status == 200 && !then.body.contains("Later") && then.body.contains("Ours"),
        "{then:?}"
    );
    assert_eq!(header(&then, "mrrow-snapshot"), newest.to_string());
    let before =
        server.get("/v1/tables/customers?format=json&known_at=2001-01-01T00:00:00Z").await.json();
    assert_eq!(before["result"], json!([]));
    let page = server.get("/v1/snapshots?limit=1").await.json();
    assert_eq!((&page["has_more"], &page["result"][0]["cause"]), (&json!(true), &json!("push")));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_change_all_or_none() {
    let server = with_two_sources().await;
    let change =
        async |body: &str| server.request("PUT", "/v1/settings", &[], body.as_bytes()).await;
    let refused =
        change(r#"{"grace_days": 91, "refunds": true, "timezone": "Europe/Paris", "mood": 1}"#)
            .await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "invalid_setting"));
    let fields: Vec<Value> = refused.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].clone())
        .collect();
    assert_eq!(json!(fields), json!(["grace_days", "mood", "refunds"]));
    assert_eq!(server.get("/v1/settings").await.json()["timezone"], "UTC");
    let changed = change(r#"{"grace_days": "never", "base_currency": "eur"}"#).await;
    assert_eq!(
        changed.json(),
        json!({"timezone": "UTC", "churn_recognition": "period_end", "grace_days": "never",
            "refunds": "reduce",
            "prorations": "add", "discounts": "net", "base_currency": "EUR"})
    );
    // No customer lapses any more.
    let movements = server.get("/v1/movements").await.json();
    assert_eq!(movements["result"].as_array().unwrap().len(), 2, "{movements}");
    assert_eq!(
        change(r#"{"base_currency": null, "grace_days": 14}"#).await.json()["base_currency"],
        Value::Null
    );
    let status = server.get("/v1/status").await.json();
    assert_eq!(
        (&status["settings"]["grace_days"], &status["tables"][0]["name"]),
        (&json!(14), &json!("customers"))
    );
}
