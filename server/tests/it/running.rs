//! A server on a directory of its own, and clients that say exactly what is sent.

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

/// How long anything may last on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// The data source that is there.
pub(crate) const SOURCE: &str = "shop";

/// A server that answers until it is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) url: String,
    pub(crate) engine: Arc<Engine>,
    pub(crate) admin: String,
    pub(crate) viewer: String,
    pub(crate) dir: TempDir,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    pub(crate) async fn start() -> Running {
        Running::with(|_| {}).await
    }

    /// With another configuration than the default.
    pub(crate) async fn with(configure: impl FnOnce(&mut ServerConfig)) -> Running {
        Running::on(TempDir::new().unwrap(), configure).await
    }

    /// On a directory that was served before.
    pub(crate) async fn on(dir: TempDir, configure: impl FnOnce(&mut ServerConfig)) -> Running {
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
        Running { address, url, engine, admin, viewer, dir, stop: Some(stop), task }
    }

    /// Tells it to stop.
    pub(crate) fn tell_to_stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits until it has stopped, and gives up the directory.
    pub(crate) async fn stopped(self) -> TempDir {
        let Running { dir, engine, task, stop, .. } = self;
        drop(stop);
        tokio::time::timeout(SOON, task).await.unwrap().unwrap().unwrap();
        match Arc::try_unwrap(engine) {
            Ok(engine) => engine.close().await.unwrap(),
            Err(_) => panic!("the server still holds the engine"),
        }
        dir
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes on a connection of their own and returns everything that is answered until it is
    /// closed.
    pub(crate) async fn say(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        // A server that has heard enough does not read on.
        let _ = stream.write_all(bytes.as_ref()).await;
        rest_of(&mut stream).await
    }

    /// A request with a key and a body, on a connection of its own.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let key = &self.admin;
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n"
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        Answer::of(&self.say([head.as_bytes(), body].concat()).await)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], b"").await
    }
}

async fn key(engine: &Engine, role: Role) -> String {
    let new = NewKey { name: format!("{role:?}"), role, data_sources: None, expires_at: None };
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).unwrap();
    engine.create_key(&new, secret).await.unwrap().1
}

/// What is said until the connection is closed, by whatever means.
pub(crate) async fn rest_of(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match tokio::time::timeout(SOON, stream.read(&mut buffer))
            .await
            .expect("the server keeps the connection")
        {
            Ok(0) | Err(_) => return String::from_utf8_lossy(&answer).into_owned(),
            Ok(read) => answer.extend_from_slice(&buffer[..read]),
        }
    }
}

/// What was sent in chunks, as far as it is text.
fn unchunked(mut text: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size, 16) else { break };
        let Some(chunk) = rest.get(..size) else { break };
        whole.push_str(chunk);
        text = rest[size..].trim_start_matches("\r\n");
    }
    whole
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The first answer in what was said.
    pub(crate) fn of(text: &str) -> Answer {
        let (head, body) =
            text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("not an answer: {text:?}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        let head = head.to_ascii_lowercase();
        let body = if head.contains("transfer-encoding: chunked") {
            unchunked(body)
        } else {
            body.to_string()
        };
        Answer { status, head, body }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of an error, which must be in the one shape.
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
