//! SQL over HTTP with the real binary as server and worker: results, limits, and attacks. After
//! each the server must still respond.

mod limits;
mod responses;
mod worker;

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::server_process::ServerProcess;
use crate::test_dir::TestDir;
use crate::wait::TIMEOUT;

const ENDLESS: &str = "select sum(a.value + b.value + c.value) \
    from generate_series(1, 1000) a, generate_series(1, 1000) b, generate_series(1, 1000000000) c";

struct SqlServer {
    process: ServerProcess,
    dir: TestDir,
}

struct HttpResponse {
    status: u16,
    body: Vec<u8>,
    /// Whether the body is complete.
    is_complete: bool,
}

impl HttpResponse {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    fn code(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().unwrap_or_default().to_string())
    }

    /// Parses all bytes that a connection received.
    fn parse(bytes: &[u8]) -> HttpResponse {
        let head_ends =
            bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a response has a head");
        let head = String::from_utf8_lossy(&bytes[..head_ends]).to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let rest = &bytes[head_ends + 4..];
        if !head.contains("transfer-encoding: chunked") {
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            return HttpResponse {
                status,
                body: rest.to_vec(),
                is_complete: rest.len().to_string() == length,
            };
        }
        let (body, is_complete) = decode_chunks(rest);
        HttpResponse { status, body, is_complete }
    }
}

/// Decodes a chunked body, and reports whether its final empty chunk arrived.
fn decode_chunks(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(line_ends) = rest.windows(2).position(|two| two == b"\r\n") {
        let size =
            usize::from_str_radix(std::str::from_utf8(&rest[..line_ends]).unwrap(), 16).unwrap();
        rest = &rest[line_ends + 2..];
        if size == 0 {
            return (body, true);
        }
        body.extend_from_slice(&rest[..size.min(rest.len())]);
        rest = rest.get(size + 2..).unwrap_or_default();
    }
    (body, false)
}

impl SqlServer {
    fn start() -> SqlServer {
        let dir = TestDir::new();
        dir.import_sample();
        let process = ServerProcess::start(&dir, &[]);
        SqlServer { process, dir }
    }

    fn post(&self, key: &str, query: &str, body: Value) -> HttpResponse {
        let mut stream =
            TcpStream::connect(self.process.url.strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let body = body.to_string();
        let length = body.len();
        let head = format!(
            "POST /v1/sql{query} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\
             connection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut bytes = Vec::new();
        // An aborted response may end in a connection reset.
        let _ = stream.read_to_end(&mut bytes);
        HttpResponse::parse(&bytes)
    }

    fn post_sql(&self, query: &str, body: Value) -> HttpResponse {
        self.post(self.key(), query, body)
    }

    fn query(&self, sql: &str) -> HttpResponse {
        self.post_sql("", json!({"sql": sql}))
    }

    fn key(&self) -> &str {
        self.process.first_key.as_deref().unwrap()
    }

    /// A simple statement must succeed.
    fn assert_responsive(&self) {
        let response = self.query("select 1 as one");
        assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
        assert_eq!(response.json()["rows"], json!([[1]]));
    }

    /// The child processes of the server.
    fn children(&self) -> Vec<u32> {
        let server = self.process.pid().to_string();
        let is_child = |pid: &u32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.split(' ').nth(1) == Some(&server))
        };
        let pids = std::fs::read_dir("/proc").unwrap().flatten();
        pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_child).collect()
    }
}
