//! Connections of slow, faulty, numerous and vanished clients.

use std::io::Write as _;
use std::time::{Duration, Instant};

use hyper_util::rt::{TokioExecutor, TokioIo};
use mrrow_server::{ServerConfig, Tls};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::listening_server::{ListeningServer, RawResponse, WAIT_MAX, read_to_end};

const SECOND: Duration = Duration::from_secs(1);

fn short_times(config: &mut ServerConfig) {
    config.limits.head_time = SECOND;
    config.limits.body_time = SECOND;
    config.limits.body_pause = SECOND;
    config.limits.stop_time = 5 * SECOND;
}

fn new_source(name: &str) -> Vec<u8> {
    json!({"name": name}).to_string().into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connection_is_closed() {
    let server = ListeningServer::with(short_times).await;
    let began = Instant::now();
    assert_eq!(server.exchange("").await, "");
    assert!(began.elapsed() >= SECOND / 2 && began.elapsed() < WAIT_MAX);
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_head_is_closed() {
    let server = ListeningServer::with(short_times).await;
    let said = server.exchange("GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ").await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_over_the_limit_are_closed() {
    let server = ListeningServer::with(|config| config.limits.connections = 2).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 15];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
        open.push(stream);
    }
    assert_eq!(server.exchange("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await, "");
    drop(open);
    let began = Instant::now();
    loop {
        let said =
            server.exchange("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        if said.starts_with("HTTP/1.1 200") {
            break;
        }
        assert!(began.elapsed() < WAIT_MAX, "a closed connection makes no room");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_body_times_out() {
    let server = ListeningServer::with(short_times).await;
    let mut stream = server.connect().await;
    let head = format!(
        "POST /v1/data-sources HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n",
        server.admin
    );
    stream.write_all(format!("{head}content-length: 1000\r\n\r\n").as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let trickling = tokio::spawn(async move {
        while writer.write_all(b" ").await.is_ok() {
            tokio::time::sleep(SECOND / 5).await;
        }
    });
    let mut answer = Vec::new();
    tokio::time::timeout(WAIT_MAX, reader.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap_or_default();
    let answer = RawResponse::of(&String::from_utf8_lossy(&answer));
    assert_eq!((answer.status, answer.code().as_str()), (408, "slow_request"));
    trickling.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn body_is_accepted_at_its_limit_and_refused_above_it() {
    let server = ListeningServer::with(|config| {
        config.limits.body_bytes = 1000;
        config.limits.decoded_bytes = 2000;
    })
    .await;
    let sized = |bytes: usize| {
        let mut body = new_source(&format!("of {bytes}"));
        body.resize(bytes, b' ');
        body
    };
    let post = async |headers: &[(&str, &str)], body: &[u8]| {
        server.request("POST", "/v1/data-sources", headers, body).await
    };
    assert_eq!(post(&[], &sized(1000)).await.status, 201);
    let response = post(&[], &sized(1001)).await;
    assert_eq!((response.status, response.code().as_str()), (413, "too_large"));

    let packed = [("content-encoding", "gzip")];
    assert_eq!(post(&packed, &gzip(&sized(2000))).await.status, 201);
    let decoded = post(&packed, &gzip(&sized(2001))).await;
    assert_eq!((decoded.status, decoded.code().as_str()), (413, "too_large"));

    // A chunked body has no announced length.
    let chunked = |bytes: usize, encoding: &str, body: &[u8]| {
        let head = format!(
            "POST /v1/data-sources HTTP/1.1\r\nhost: x\r\n\
             authorization: Bearer {}\r\nconnection: close\r\n{encoding}\
             transfer-encoding: chunked\r\n\r\n{bytes:x}\r\n",
            server.admin
        );
        [head.as_bytes(), body, b"\r\n0\r\n\r\n"].concat()
    };
    let long = RawResponse::of(&server.exchange(chunked(1001, "", &sized(1001))).await);
    assert_eq!((long.status, long.code().as_str()), (413, "too_large"));
    let mut noise = [0; 1500];
    getrandom::fill(&mut noise).unwrap();
    let noise = gzip(&noise);
    assert!(noise.len() > 1000);
    let long = RawResponse::of(
        &server.exchange(chunked(noise.len(), "content-encoding: gzip\r\n", &noise)).await,
    );
    assert_eq!((long.status, long.code().as_str()), (413, "too_large"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_compressed_both_ways() {
    let server = ListeningServer::start().await;
    let zstd = zstd::encode_all(&new_source("packed with zstd")[..], 1).unwrap();
    for (encoding, body) in [("gzip", gzip(&new_source("packed with gzip"))), ("zstd", zstd)] {
        let made = server
            .request("POST", "/v1/data-sources", &[("content-encoding", encoding)], &body)
            .await;
        assert_eq!(made.status, 201, "{made:?}");
        let listed =
            server.request("GET", "/openapi.json", &[("accept-encoding", encoding)], b"").await;
        assert!(listed.head.contains(&format!("content-encoding: {encoding}")), "{}", listed.head);
    }
    let damaged = server
        .request("POST", "/v1/data-sources", &[("content-encoding", "gzip")], b"not gzip")
        .await;
    assert_eq!((damaged.status, damaged.code().as_str()), (400, "unreadable_body"));
    let unknown =
        server.request("POST", "/v1/data-sources", &[("content-encoding", "rot13")], b"{}").await;
    assert_eq!((unknown.status, unknown.code().as_str()), (415, "unsupported_encoding"));
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_refused_after_earlier_requests_are_answered() {
    let server = ListeningServer::start().await;
    assert!(server.exchange("\x16\x03\x01\x02 hello?\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    let one = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let both = server
        .exchange(format!("{one}{one}GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"))
        .await;
    assert_eq!(both.matches("HTTP/1.1 200").count(), 2, "{both}");
    let mixed = server.exchange(format!("{one}nonsense\r\n\r\n")).await;
    assert!(mixed.starts_with("HTTP/1.1 200") && mixed.contains("HTTP/1.1 400"), "{mixed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_heads_are_refused() {
    let server = ListeningServer::start().await;
    let long =
        format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "a".repeat(1024 * 1024));
    assert!(server.exchange(long).await.starts_with("HTTP/1.1 431"));
    let many = "x-one: 1\r\n".repeat(1000);
    assert!(
        server
            .exchange(format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{many}\r\n"))
            .await
            .starts_with("HTTP/1.1 431")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_is_served_with_prior_knowledge() {
    let server = ListeningServer::start().await;
    let stream = server.connect().await;
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut client, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    for _ in 0..3 {
        let request =
            hyper::Request::get(format!("{}/healthz", server.url)).body(String::new()).unwrap();
        assert_eq!(client.send_request(request).await.unwrap().status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_served_with_a_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let made =
        rcgen::generate_simple_self_signed(["localhost".to_string(), "127.0.0.1".to_string()])
            .unwrap();
    let (certificate, key) = (dir.path().join("certificate.pem"), dir.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let server = ListeningServer::with(|config| {
        short_times(config);
        config.tls = Some(Tls { certificate, key });
    })
    .await;
    assert!(server.url.starts_with("https://"));
    let trusted = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([trusted]).build().unwrap();
    let answer = client.get(format!("{}/healthz", server.url)).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "ok\n");
    // A client without a TLS handshake times out too.
    assert!(!server.exchange("").await.starts_with("HTTP"));
}

#[tokio::test(flavor = "multi_thread")]
async fn open_requests_are_finished_at_shutdown() {
    let mut server = ListeningServer::with(|config| config.limits.stop_time = 10 * SECOND).await;
    let body = new_source("begun before the end");
    let head = format!(
        "POST /v1/data-sources HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n",
        server.admin
    );
    let mut begun = server.connect().await;
    begun
        .write_all(format!("{head}content-length: {}\r\n\r\n", body.len()).as_bytes())
        .await
        .unwrap();
    let mut idle = server.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut first = [0; 4];
    idle.read_exact(&mut first).await.unwrap();
    tokio::time::sleep(SECOND / 2).await;

    let socket = server.engine.server_socket();
    assert!(socket.exists());
    server.request_stop();
    // An idle connection is closed, and a new one is refused.
    read_to_end(&mut idle).await;
    begun.write_all(&body).await.unwrap();
    let answer = RawResponse::of(&read_to_end(&mut begun).await);
    assert_eq!(answer.status, 201, "{answer:?}");
    let address = server.address;
    let dir = server.stopped().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    assert!(!socket.exists());

    let again = ListeningServer::on(dir, |_| {}).await;
    assert!(again.get("/v1/data-sources").await.body.contains("begun before the end"));
}
