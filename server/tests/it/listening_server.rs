//! A server with a directory of its own, and clients that send exact bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use mrrow_engine::access::{NewKey, Role};
use mrrow_engine::sources::NewDataSource;
use mrrow_engine::{Config, Engine};
use mrrow_server::{Server, ServerConfig};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The time limit of every wait, for a busy machine.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(20);

/// The data source that every test has.
pub(crate) const SOURCE: &str = "shop";

/// A server that runs until it is dropped.
pub(crate) struct ListeningServer {
    pub(crate) address: SocketAddr,
    pub(crate) url: String,
    pub(crate) engine: Arc<Engine>,
    pub(crate) admin: String,
    pub(crate) viewer: String,
    pub(crate) dir: TempDir,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

impl ListeningServer {
    pub(crate) async fn start() -> ListeningServer {
        ListeningServer::with(|_| {}).await
    }

    /// With a changed configuration.
    pub(crate) async fn with(configure: impl FnOnce(&mut ServerConfig)) -> ListeningServer {
        ListeningServer::on(TempDir::new().unwrap(), configure).await
    }

    /// With the directory of an earlier server.
    pub(crate) async fn on(
        dir: TempDir,
        configure: impl FnOnce(&mut ServerConfig),
    ) -> ListeningServer {
        let engine =
            Engine::open(Config::new(dir.path().join("data"), Arc::new(Utc::now))).await.unwrap();
        let engine = Arc::new(engine);
        engine.start_writing().await.unwrap();
        if engine.data_source(SOURCE).await.unwrap().is_none() {
            let source = NewDataSource {
                id: Some(SOURCE.to_string()),
                name: "Shop".to_string(),
                kind: None,
            };
            engine.create_data_source(source, [0; 16]).await.unwrap();
        }
        let admin = key(&engine, Role::Admin).await;
        let viewer = key(&engine, Role::Viewer).await;
        let mut config = ServerConfig::new("127.0.0.1:0".parse().unwrap());
        configure(&mut config);
        let random = Arc::new(|bytes: &mut [u8]| {
            getrandom::fill(bytes).map_err(|error| std::io::Error::other(error.to_string()))
        });
        let server = Server::bind(Arc::clone(&engine), config, random).await.unwrap();
        let (address, url) = (server.address(), server.url());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        ListeningServer { address, url, engine, admin, viewer, dir, stop: Some(stop), task }
    }

    pub(crate) fn request_stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits until the server has stopped; returns the directory.
    pub(crate) async fn stopped(self) -> TempDir {
        let ListeningServer { dir, engine, task, stop, .. } = self;
        drop(stop);
        tokio::time::timeout(WAIT_MAX, task).await.unwrap().unwrap().unwrap();
        match Arc::try_unwrap(engine) {
            Ok(engine) => engine.close().await.unwrap(),
            Err(_) => panic!("the server still holds the engine"),
        }
        dir
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes on a new connection and returns everything until it is closed.
    pub(crate) async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        // The server may close the connection before it has read everything.
        let _ = stream.write_all(bytes.as_ref()).await;
        read_to_end(&mut stream).await
    }

    /// A request with a key and a body, on a connection of its own.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> RawResponse {
        let key = &self.admin;
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: \
                close\r\n"
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        RawResponse::of(&self.exchange([head.as_bytes(), body].concat()).await)
    }

    pub(crate) async fn get(&self, path: &str) -> RawResponse {
        self.request("GET", path, &[], b"").await
    }
}

async fn key(engine: &Engine, role: Role) -> String {
    let new = NewKey { name: format!("{role:?}"), role, data_sources: None, expires_at: None };
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).unwrap();
    engine.create_key(&new, secret).await.unwrap().1
}

/// Reads until the connection is closed or lost.
pub(crate) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match tokio::time::timeout(WAIT_MAX, stream.read(&mut buffer))
            .await
            .expect("the server keeps the connection")
        {
            Ok(0) | Err(_) => return String::from_utf8_lossy(&answer).into_owned(),
            Ok(read) => answer.extend_from_slice(&buffer[..read]),
        }
    }
}

/// The content of a chunked body.
fn decode_chunks(mut text: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size, 16) else { break };
        let Some(chunk) = rest.get(..size) else { break };
        whole.push_str(chunk);
        text = rest[size..].trim_start_matches("\r\n");
    }
    whole
}

/// A response as text.
#[derive(Debug)]
pub(crate) struct RawResponse {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl RawResponse {
    /// Parses the first response of a connection.
    pub(crate) fn of(text: &str) -> RawResponse {
        let (head, body) =
            text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("not a response: {text:?}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        let head = head.to_ascii_lowercase();
        let body = if head.contains("transfer-encoding: chunked") {
            decode_chunks(body)
        } else {
            body.to_string()
        };
        RawResponse { status, head, body }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of an error response; checks its shape.
    pub(crate) fn code(&self) -> String {
        let error = self.json();
        for field in ["error", "message", "code", "request_id"] {
            assert!(
                error[field].as_str().is_some_and(|text| !text.is_empty()),
                "{field}: {self:?}"
            );
        }
        assert!(error["errors"].is_array(), "{self:?}");
        error["code"].as_str().unwrap().to_string()
    }
}
