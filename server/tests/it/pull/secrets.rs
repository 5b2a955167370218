//! Credentials are in no file, log or answer.

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use reqwest::Method;
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::endpoint::{Endpoint, customers, status};
use super::test_server::{TestServer, config, error_of};

const SECRETS: [&str; 3] = ["tok3n-of-nobody", "us3r-of-nobody", "passw0rd-of-nobody"];

/// The log of the whole process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        writeln!(self.0.lock().unwrap(), "{field}={value:?}").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The plain secrets, and their form in basic authentication.
fn find_secret(bytes: &[u8]) -> Option<&'static str> {
    let basic = "dXMzci1vZi1ub2JvZHk6cGFzc3cwcmQtb2Ytbm9ib2R5";
    SECRETS
        .into_iter()
        .chain([basic])
        .find(|secret| bytes.windows(secret.len()).any(|window| window == secret.as_bytes()))
}

fn check_files(dir: &Path) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            check_files(&path);
        } else if let Ok(bytes) = std::fs::read(&path) {
            assert_eq!(find_secret(&bytes), None, "{}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_in_no_file_log_or_answer() {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let server = TestServer::start().await;
    let mut answers = String::new();
    for authentication in [
        json!({"type": "bearer", "token": SECRETS[0]}),
        json!({"type": "header", "name": "X-Key", "value": SECRETS[0]}),
        json!({"type": "basic", "username": SECRETS[1], "password": SECRETS[2]}),
    ] {
        let endpoint = Endpoint::start(|request| {
            if request.is_of("invoices") { status(500) } else { customers(&request, 2) }
        })
        .await;
        let request = json!({"endpoint": endpoint.url(), "authentication": authentication});
        answers += &server.put("/v1/data-sources/ds/pull", &request, 200).await.to_string();
        answers += &server.get("/v1/data-sources/ds/pull").await.to_string();
        answers += &server.get("/v1/data-sources").await.to_string();
        answers += &server.sync().await.to_string();
        let wrong = json!({"endpoint": "x", "authentication": request["authentication"]});
        answers += &server.put("/v1/data-sources/ds/pull", &wrong, 400).await.to_string();
        answers +=
            &server.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
        assert!(
            find_secret(format!("{:?}", endpoint.requests()[0].headers).as_bytes()).is_some(),
            "the endpoint gets them"
        );
        check_files(server.dir.path());
    }
    let dir = server.stop().await;
    check_files(dir.path());
    assert_eq!(find_secret(answers.as_bytes()), None, "{answers}");
    let log = log.0.lock().unwrap();
    assert!(log.contains("a sync has stopped"), "the log is read");
    assert_eq!(find_secret(log.as_bytes()), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_without_the_right_key_reports_it() {
    let endpoint = Endpoint::start(|request| customers(&request, 1)).await;
    let server = TestServer::start().await;
    let request =
        json!({"endpoint": endpoint.url(), "authentication": {"type": "bearer", "token": "t"}});
    server.put("/v1/data-sources/ds/pull", &request, 200).await;
    let file = server.data_dir().join("secret.key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let key = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let progress = server.sync().await;
    assert_eq!(error_of(&progress).0, "secret_key");
    assert!(
        progress["last_error"]["message"].as_str().unwrap().contains("backups do not contain it")
    );
    std::fs::write(&file, [7; 32]).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let progress = server.sync().await;
    assert!(progress["last_error"]["message"].as_str().unwrap().contains("cannot be decrypted"));
    assert_eq!(endpoint.lines().len(), 0);
    std::fs::write(&file, key).unwrap();
    assert_eq!(server.sync().await["phase"], "done");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn configured_key_file_is_used() {
    let endpoint = Endpoint::start(|request| customers(&request, 1)).await;
    let keys = tempfile::tempdir().unwrap();
    let mut config = config();
    config.secret_key_file = Some(keys.path().join("key"));
    let server = TestServer::start_with(config.clone()).await;
    let request =
        json!({"endpoint": endpoint.url(), "authentication": {"type": "bearer", "token": "t"}});
    let refused = server.put("/v1/data-sources/ds/pull", &request, 503).await;
    assert_eq!(refused["code"], "secret_key");
    assert!(refused["message"].as_str().unwrap().contains("openssl rand -hex 32"));
    std::fs::write(keys.path().join("key"), "07".repeat(32)).unwrap();
    std::fs::set_permissions(keys.path().join("key"), std::fs::Permissions::from_mode(0o644))
        .unwrap();
    let refused = server.put("/v1/data-sources/ds/pull", &request, 503).await;
    assert!(refused["message"].as_str().unwrap().contains("chmod 600"));
    std::fs::set_permissions(keys.path().join("key"), std::fs::Permissions::from_mode(0o600))
        .unwrap();
    server.put("/v1/data-sources/ds/pull", &request, 200).await;
    assert_eq!(server.sync().await["phase"], "done");
    assert!(!server.data_dir().join("secret.key").exists());
    // A sealed secret does not open for another data source.
    let sealed = server.engine.pull("ds").await.unwrap().unwrap();
    let new = mrrow_engine::sources::NewDataSource {
        id: Some("thief".into()),
        name: "Thief".into(),
        kind: None,
    };
    server.engine.create_data_source(new, [1; 16]).await.unwrap();
    server.engine.set_pull("thief", sealed.settings, sealed.sealed_credentials).await.unwrap();
    server.post("/v1/data-sources/thief/sync", 202).await;
    let stuck = loop {
        let progress = server.get("/v1/data-sources/thief/progress").await;
        if progress["phase"] == "stuck" {
            break progress;
        }
    };
    assert_eq!(error_of(&stuck).0, "secret_key");
    server.stop().await;
}
