//! Uploads: received, imported all or nothing, listed and canceled.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::listening_server::{ListeningServer, RawResponse, SOURCE, WAIT_MAX, read_to_end};

const CUSTOMERS: &str = "id,name\nc1,One\nc2,Two\n";

fn imports() -> String {
    format!("/v1/data-sources/{SOURCE}/imports")
}

async fn upload(
    server: &ListeningServer,
    query: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Value {
    let answer = server.request("POST", &format!("{}{query}", imports()), headers, body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let job = answer.json();
    let location = format!("location: {}/{}", imports(), job["id"].as_str().unwrap());
    assert!(answer.head.contains(&location), "{}", answer.head);
    job
}

/// The job after its end.
async fn finished_job(server: &ListeningServer, job: &Value) -> Value {
    let began = Instant::now();
    loop {
        let response = server.get(&format!("{}/{}", imports(), job["id"].as_str().unwrap())).await;
        assert_eq!(response.status, 200, "{response:?}");
        let response = response.json();
        if !["waiting", "running"].contains(&response["state"].as_str().unwrap()) {
            assert!(
                response["phase"].is_null() && !response["finished_at"].is_null(),
                "{response}"
            );
            return response;
        }
        assert!(began.elapsed() < WAIT_MAX, "{response}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn customers(server: &ListeningServer) -> i64 {
    let snapshot = server.engine.snapshot(None).await.unwrap();
    let mut rows = snapshot.sql("select count(*) from customers").await.unwrap();
    let batch = futures::StreamExt::next(&mut rows).await.unwrap().unwrap();
    let counts = batch.column(0).as_any().downcast_ref::<mrrow_engine::arrow::array::Int64Array>();
    counts.unwrap().value(0)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Parquet with the columns id and name.
fn parquet() -> Vec<u8> {
    use mrrow_engine::arrow::array::{ArrayRef, RecordBatch, StringArray};
    let ids: ArrayRef = std::sync::Arc::new(StringArray::from(vec!["c1", "c2"]));
    let rows = RecordBatch::try_from_iter([("id", ids.clone()), ("name", ids)]).unwrap();
    let mut file = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut file, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_is_imported_plain_and_compressed() {
    let document = json!({"customers": [{"id": "c1", "name": "One"}, {"id": "c2", "name": "Two"}]})
        .to_string();
    let lines = "{\"id\":\"c1\",\"name\":\"One\"}\n{\"id\":\"c2\",\"name\":\"Two\"}\n";
    let csv = CUSTOMERS.as_bytes();
    let of_customers = "?object=customers";
    type Sent<'a> = (&'a str, &'a [(&'a str, &'a str)], Vec<u8>);
    let sent: [Sent<'_>; 8] = [
        ("", &[("content-type", "application/json")], document.clone().into_bytes()),
        ("", &[], gzip(document.as_bytes())),
        (of_customers, &[("content-type", "application/json")], lines.as_bytes().to_vec()),
        (of_customers, &[("content-type", "text/csv; charset=utf-8")], csv.to_vec()),
        (of_customers, &[("content-encoding", "zstd")], zstd::encode_all(csv, 1).unwrap()),
        (of_customers, &[("content-encoding", "gzip")], gzip(&gzip(csv))),
        (of_customers, &[], parquet()),
        ("?object=customers&map=email=name", &[], b"id,email\nc1,a@b.c\nc2,d@e.f\n".to_vec()),
    ];
    for (at, (query, headers, body)) in sent.into_iter().enumerate() {
        let server = ListeningServer::start().await;
        let job = upload(&server, query, headers, &body).await;
        let response = finished_job(&server, &job).await;
        assert_eq!(response["state"], "done", "{at}: {response}");
        let expected = json!({"read": 2, "accepted": 2, "created": 2, "updated": 0, "unchanged": 0,
            "rejected": 0});
        assert_eq!(response["counts"]["customers"], expected, "{at}");
        assert_eq!(
            (&response["stored"], &response["snapshot"], &response["rejects"]),
            (&json!(true), &json!(1), &Value::Null),
            "{at}"
        );
        assert_eq!(customers(&server).await, 2, "{at}");
        let staging = server.dir.path().join("data/staging");
        assert!(
            std::fs::read_dir(staging).unwrap().all(|entry| entry.unwrap().path().is_file()),
            "{at}: what was received stays"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_rows_abort_or_are_skipped() {
    let server = ListeningServer::start().await;
    let rows: String = (0..100).map(|row| format!("b{row},\n")).collect();
    let body = format!("{CUSTOMERS}{rows}");
    let aborted =
        finished_job(&server, &upload(&server, "?object=customers", &[], body.as_bytes()).await)
            .await;
    assert_eq!(
        (&aborted["state"], &aborted["error"]["code"]),
        (&json!("failed"), &json!("rows_rejected")),
        "{aborted}"
    );
    assert_eq!(customers(&server).await, 0);

    let skipped = finished_job(
        &server,
        &upload(&server, "?object=customers&on_error=skip", &[], body.as_bytes()).await,
    )
    .await;
    assert_eq!(
        (&skipped["state"], &skipped["counts"]["customers"]["rejected"]),
        (&json!("done"), &json!(100)),
        "{skipped}"
    );
    assert_eq!(customers(&server).await, 2);
    for job in [&aborted, &skipped] {
        assert_eq!(job["rejections"].as_array().unwrap().len(), 20);
        let rejects = server.get(job["rejects"].as_str().unwrap()).await;
        assert!(rejects.head.contains("application/x-ndjson"), "{}", rejects.head);
        assert_eq!(rejects.body.matches("\"code\":\"required\"").count(), 100);
    }
    let listed = server.get(&imports()).await.json();
    let ids: Vec<_> = listed["result"].as_array().unwrap().iter().map(|job| &job["id"]).collect();
    assert_eq!(ids, [&skipped["id"], &aborted["id"]]);
    let none = finished_job(
        &server,
        &upload(&server, "?object=customers&dry_run=true", &[], CUSTOMERS.as_bytes()).await,
    )
    .await;
    assert_eq!(
        (&none["state"], &none["stored"], &none["counts"]["customers"]["unchanged"]),
        (&json!("done"), &json!(false), &json!(2))
    );
    let gone = server.get(&format!("{}/{}/rejects", imports(), none["id"].as_str().unwrap())).await;
    assert_eq!((gone.status, gone.code().as_str()), (404, "rejects_not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_upload_is_refused_before_its_body() {
    let server = ListeningServer::with(|config| config.limits.import_bytes = 1000).await;
    for (path, status, code) in [
        ("/v1/data-sources/nowhere/imports", 404, "data_source_not_found"),
        ("/v1/data-sources/shop/imports?object=people", 400, "invalid_request"),
        ("/v1/data-sources/shop/imports?on_error=retry", 400, "invalid_request"),
        ("/v1/data-sources/shop/imports?map=a%3Dshoe_size", 400, "invalid_request"),
    ] {
        let answer = server.request("POST", path, &[], CUSTOMERS.as_bytes()).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}");
    }
    let large = server.request("POST", &imports(), &[], &[b' '; 1001]).await;
    assert_eq!((large.status, large.code().as_str()), (413, "too_large"));
    let unknown = server.request("POST", &imports(), &[("content-encoding", "rot13")], b"x").await;
    assert_eq!((unknown.status, unknown.code().as_str()), (415, "unsupported_encoding"));
    assert_eq!(server.get(&imports()).await.json()["result"], json!([]));

    // A body that decompresses to more is refused while it is received.
    let bomb = server
        .request("POST", &imports(), &[("content-encoding", "gzip")], &gzip(&[b' '; 5000]))
        .await;
    assert_eq!((bomb.status, bomb.code().as_str()), (413, "too_large"));
    let listed = server.get(&imports()).await.json();
    assert_eq!(listed["result"][0]["error"]["code"], "too_large", "{listed}");

    let viewer = format!(
        "GET {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
        imports(),
        server.viewer
    );
    assert_eq!(RawResponse::of(&server.exchange(&viewer).await).status, 200);
    assert_eq!(RawResponse::of(&server.exchange(viewer.replace("GET", "POST")).await).status, 403);
    assert_eq!(server.get(&format!("{}/imp_none", imports())).await.code(), "import_not_found");
}

/// Starts an upload without the end of its body.
async fn start_upload(server: &ListeningServer) -> tokio::net::TcpStream {
    let mut stream = server.connect().await;
    let path = format!("{}?object=customers", imports());
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n",
        server.admin
    );
    stream
        .write_all(format!("{head}content-length: 1000\r\n\r\n{CUSTOMERS}").as_bytes())
        .await
        .unwrap();
    stream
}

/// Waits for the newest job to be in a state.
async fn newest(server: &ListeningServer, state: &str) -> Value {
    let began = Instant::now();
    loop {
        let job = server.get(&imports()).await.json()["result"][0].clone();
        if job["state"] == state {
            return job;
        }
        assert!(began.elapsed() < WAIT_MAX, "not {state}: {job}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_or_paused_upload_fails_with_a_reason() {
    let server =
        ListeningServer::with(|config| config.limits.body_pause = Duration::from_secs(1)).await;
    let broken = start_upload(&server).await;
    newest(&server, "waiting").await;
    drop(broken);
    let job = newest(&server, "failed").await;
    assert_eq!(job["error"]["code"], "upload_broken_off", "{job}");

    let answer = RawResponse::of(&read_to_end(&mut start_upload(&server).await).await);
    assert_eq!((answer.status, answer.code().as_str()), (408, "slow_request"));
    assert_eq!(newest(&server, "failed").await["error"]["code"], "slow_request");
    assert_eq!(customers(&server).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn canceled_upload_stores_nothing() {
    let server = ListeningServer::start().await;
    let mut receiving = start_upload(&server).await;
    let job = newest(&server, "waiting").await;
    assert_eq!(job["phase"], "receiving");
    let path = format!("{}/{}", imports(), job["id"].as_str().unwrap());
    let canceled = server.request("DELETE", &path, &[], b"").await;
    assert_eq!((canceled.status, &canceled.json()["state"]), (200, &json!("canceled")));
    let answer = RawResponse::of(&read_to_end(&mut receiving).await);
    assert_eq!((answer.status, answer.code().as_str()), (409, "import_canceled"));
    let again = server.request("DELETE", &path, &[], b"").await;
    assert_eq!((again.status, again.code().as_str()), (409, "import_over"));
    assert_eq!(customers(&server).await, 0);
}

/// Enough rows to act during their import.
fn many() -> Vec<u8> {
    let rows: String = (0..200_000).map(|row| format!("c{row},Customer {row}\n")).collect();
    format!("id,name\n{rows}").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn canceled_import_lets_the_next_one_run() {
    let server = ListeningServer::start().await;
    let job = upload(&server, "?object=customers", &[], &many()).await;
    let next = upload(&server, "?object=customers", &[], CUSTOMERS.as_bytes()).await;
    let began = Instant::now();
    let path = format!("{}/{}", imports(), job["id"].as_str().unwrap());
    while server.get(&path).await.json()["state"] == "waiting" {
        assert!(began.elapsed() < WAIT_MAX);
    }
    let canceled = server.request("DELETE", &path, &[], b"").await;
    assert_eq!(
        (canceled.status, &canceled.json()["state"]),
        (200, &json!("canceled")),
        "{canceled:?}"
    );
    assert_eq!(finished_job(&server, &next).await["state"], "done");
    assert_eq!(customers(&server).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn import_past_the_shutdown_deadline_is_interrupted() {
    let mut server =
        ListeningServer::with(|config| config.limits.stop_time = Duration::from_millis(1)).await;
    let job = upload(&server, "?object=customers", &[], &many()).await;
    server.request_stop();
    let again = ListeningServer::on(server.stopped().await, |_| {}).await;
    let job = finished_job(&again, &job).await;
    assert_eq!(
        (&job["state"], &job["error"]["code"]),
        (&json!("interrupted"), &json!("stopping")),
        "{job}"
    );
    assert_eq!(customers(&again).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_over_the_limit_are_refused() {
    let server = ListeningServer::with(|config| config.limits.imports_waiting = 1).await;
    let (_one, _two) = (start_upload(&server).await, start_upload(&server).await);
    let began = Instant::now();
    while server.get(&imports()).await.json()["result"].as_array().unwrap().len() < 2 {
        assert!(began.elapsed() < WAIT_MAX);
    }
    let third = server.request("POST", &imports(), &[], CUSTOMERS.as_bytes()).await;
    assert_eq!((third.status, third.code().as_str()), (429, "imports_waiting"));
    assert!(third.head.contains("retry-after: 10"), "{}", third.head);
    let metrics = server.get("/metrics").await.body;
    assert!(metrics.contains("mrrow_imports_open 2"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_leaves_no_half_upload() {
    let mut server = ListeningServer::start().await;
    let mut receiving = start_upload(&server).await;
    newest(&server, "waiting").await;
    let done = finished_job(
        &server,
        &upload(&server, "?object=customers", &[], CUSTOMERS.as_bytes()).await,
    )
    .await;
    server.request_stop();
    let answer = RawResponse::of(&read_to_end(&mut receiving).await);
    assert_eq!((answer.status, answer.code().as_str()), (503, "stopping"));
    let again = ListeningServer::on(server.stopped().await, |_| {}).await;
    let jobs = again.get(&imports()).await.json()["result"].clone();
    assert_eq!(
        (&jobs[0]["id"], &jobs[0]["state"], &jobs[0]["snapshot"]),
        (&done["id"], &json!("done"), &json!(1))
    );
    assert_eq!(
        (&jobs[1]["state"], &jobs[1]["error"]["code"]),
        (&json!("interrupted"), &json!("stopping"))
    );
    assert_eq!(customers(&again).await, 2);
}
