//! A server with a directory of its own, and requests to it.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;
use mrrow_engine::access::{NewKey, Role};
use mrrow_engine::sources::NewDataSource;
use mrrow_engine::{Config, Engine};
use mrrow_server::{Server, ServerConfig};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The time limit of every wait.
const TIME_LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct TestServer {
    pub(crate) dir: Arc<TempDir>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) url: String,
    pub(crate) key: String,
    clock: Arc<Mutex<DateTime<Utc>>>,
    client: Client,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

/// Allows loopback, with short pauses.
pub(crate) fn config() -> ServerConfig {
    let mut config = ServerConfig::new("127.0.0.1:0".parse().unwrap());
    config.pull_allowed = vec!["127.0.0.1".parse().unwrap()];
    config.limits.pull.retry_pause = Duration::from_millis(5);
    config.limits.pull.retry_pause_max = Duration::from_millis(20);
    config.limits.pull.schedule_tick = Duration::from_millis(20);
    config
}

impl TestServer {
    pub(crate) async fn start() -> TestServer {
        TestServer::start_with(config()).await
    }

    pub(crate) async fn start_with(config: ServerConfig) -> TestServer {
        let now = "2024-06-01T12:00:00Z".parse().unwrap();
        TestServer::open(Arc::new(TempDir::new().unwrap()), config, now).await
    }

    pub(crate) async fn open(
        dir: Arc<TempDir>,
        config: ServerConfig,
        now: DateTime<Utc>,
    ) -> TestServer {
        let clock = Arc::new(Mutex::new(now));
        let read = Arc::clone(&clock);
        let engine = Config::new(dir.path().join("store"), Arc::new(move || *read.lock().unwrap()));
        let engine = Arc::new(Engine::open(engine).await.unwrap());
        engine.start_writing().await.unwrap();
        let random = |bytes: &mut [u8]| {
            getrandom::fill(bytes).map_err(|error| std::io::Error::other(error.to_string()))
        };
        let mut secret = [0; 32];
        random(&mut secret).unwrap();
        let new = NewKey {
            name: "test".to_string(),
            role: Role::Admin,
            data_sources: None,
            expires_at: None,
        };
        let (_, key) = engine.create_key(&new, secret).await.unwrap();
        if engine.data_source("ds").await.unwrap().is_none() {
            let new = NewDataSource {
                id: Some("ds".to_string()),
                name: "A shop".to_string(),
                kind: None,
            };
            engine.create_data_source(new, [0; 16]).await.unwrap();
        }
        let server = Server::bind(Arc::clone(&engine), config, Arc::new(random)).await.unwrap();
        let url = server.url();
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(async move {
            let stopped = async {
                // An error means that the test failed: stop as well.
                let _ = stopped.await;
            };
            server.run(stopped).await.unwrap();
        });
        let client = Client::builder().no_proxy().build().unwrap();
        TestServer { dir, engine, url, key, clock, client, stop, server }
    }

    /// Stops the server, and starts another one on the same directory.
    pub(crate) async fn restart(self, config: ServerConfig) -> TestServer {
        let now = *self.clock.lock().unwrap();
        let dir = self.stop().await;
        TestServer::open(dir, config, now).await
    }

    /// Stops the server.
    pub(crate) async fn stop(self) -> Arc<TempDir> {
        self.stop.send(()).unwrap();
        tokio::time::timeout(TIME_LIMIT, self.server).await.unwrap().unwrap();
        Arc::try_unwrap(self.engine)
            .ok()
            .expect("no other handle of the engine is left")
            .close()
            .await
            .unwrap();
        self.dir
    }

    pub(crate) fn data_dir(&self) -> &Path {
        self.engine.data_dir()
    }

    pub(crate) fn pass(&self, time: TimeDelta) {
        *self.clock.lock().unwrap() += time;
    }

    pub(crate) fn request_with(&self, key: &str, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(key)
            .timeout(TIME_LIMIT)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_with(&self.key, method, path)
    }

    /// A key with a role, for some data sources.
    pub(crate) async fn new_key(&self, role: Role, data_sources: Option<&str>) -> String {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).unwrap();
        let data_sources = data_sources.map(|one| vec![one.to_string()]);
        let new = NewKey { name: "another".to_string(), role, data_sources, expires_at: None };
        self.engine.create_key(&new, secret).await.unwrap().1
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        expect(answer, 200).await
    }

    pub(crate) async fn post(&self, path: &str, status: u16) -> Value {
        expect(self.request(Method::POST, path).send().await.unwrap(), status).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value, status: u16) -> Value {
        expect(self.request(Method::PUT, path).json(body).send().await.unwrap(), status).await
    }

    /// Configures the pull of the data source.
    pub(crate) async fn pull_from(&self, endpoint: &str) {
        self.put("/v1/data-sources/ds/pull", &json!({"endpoint": endpoint}), 200).await;
    }

    /// Runs a sync and returns its final progress.
    pub(crate) async fn sync(&self) -> Value {
        self.post("/v1/data-sources/ds/sync", 202).await;
        self.ended().await
    }

    /// Resumes the last sync and returns its final progress.
    pub(crate) async fn resume(&self) -> Value {
        self.post("/v1/data-sources/ds/sync?resume=true", 202).await;
        self.ended().await
    }

    /// Waits until no sync runs.
    pub(crate) async fn ended(&self) -> Value {
        self.wait_for(|progress| {
            !matches!(progress["phase"].as_str(), Some("enqueueing" | "processing"))
        })
        .await
    }

    /// Waits until the progress is as expected.
    pub(crate) async fn wait_for(&self, is_expected: impl Fn(&Value) -> bool) -> Value {
        let waiting = async {
            loop {
                let progress = self.get("/v1/data-sources/ds/progress").await;
                if is_expected(&progress) {
                    return progress;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(TIME_LIMIT, waiting).await.expect("the progress becomes as expected")
    }

    /// The number of stored customers.
    pub(crate) async fn customers(&self) -> usize {
        self.rows("select id from customers").await
    }

    pub(crate) async fn rows(&self, sql: &str) -> usize {
        self.engine.flush().await.unwrap();
        let snapshot = self.engine.snapshot(None).await.unwrap();
        let batches: Vec<_> = snapshot.sql(sql).await.unwrap().try_collect().await.unwrap();
        batches.iter().map(|batch| batch.num_rows()).sum()
    }
}

/// The body of a response with this status.
pub(crate) async fn expect(answer: Response, status: u16) -> Value {
    let (actual, path) = (answer.status().as_u16(), answer.url().path().to_string());
    let text = answer.text().await.unwrap();
    assert_eq!(actual, status, "{path}: {text}");
    serde_json::from_str(&text).unwrap()
}

/// The code, type and page of the last error.
pub(crate) fn error_of(progress: &Value) -> (&str, &str, u64) {
    let error = &progress["last_error"];
    (
        error["code"].as_str().unwrap_or_default(),
        error["type"].as_str().unwrap_or_default(),
        error["page"].as_u64().unwrap_or_default(),
    )
}
