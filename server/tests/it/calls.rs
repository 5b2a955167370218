//! Calls of the API as a client library makes them.

use mrrow_engine::access::{NewKey, Role};
use mrrow_engine::sources::NewDataSource;
use reqwest::{Client, Method};
use serde_json::Value;

use crate::running::Running;

/// A client with a key.
pub(crate) struct Caller<'s> {
    server: &'s Running,
    http: Client,
    key: String,
}

/// An answer: its status, headers by name, and JSON.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) json: Value,
}

impl<'s> Caller<'s> {
    pub(crate) fn admin(server: &'s Running) -> Caller<'s> {
        Caller::with(server, &server.admin)
    }

    pub(crate) fn with(server: &'s Running, key: &str) -> Caller<'s> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Caller { server, http: Client::new(), key: key.to_string() }
    }

    /// One whose key is restricted to a data source.
    pub(crate) async fn restricted(server: &'s Running, role: Role, source: &str) -> Caller<'s> {
        let data_sources = Some(vec![source.to_string()]);
        let new =
            NewKey { name: format!("{role:?} of {source}"), role, data_sources, expires_at: None };
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).unwrap();
        Caller::with(server, &server.engine.create_key(&new, secret).await.unwrap().1)
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<String>,
    ) -> Told {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request =
            self.http.request(method, format!("{}{path}", self.server.url)).bearer_auth(&self.key);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.body(body.into()).send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: {text}"));
        if !status.is_success() {
            let json: &Value = &json;
            for field in ["error", "message", "code", "request_id"] {
                assert!(json[field].as_str().is_some_and(|text| !text.is_empty()), "{json}");
            }
        }
        Told { status: status.as_u16(), headers, json }
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<String>) -> Told {
        self.send("POST", path, &[("content-type", "application/json")], body).await
    }

    pub(crate) async fn put(&self, path: &str, body: impl Into<String>) -> Told {
        self.send("PUT", path, &[("content-type", "application/json")], body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Told {
        self.send("GET", path, &[], "").await
    }

    pub(crate) async fn delete(&self, path: &str) -> Told {
        self.send("DELETE", path, &[], "").await
    }
}

/// Makes another data source.
pub(crate) async fn new_source(server: &Running, id: &str) {
    let source = NewDataSource { id: Some(id.to_string()), name: format!("the {id}"), kind: None };
    server.engine.create_data_source(source, [0; 16]).await.unwrap();
}

/// Rows that a statement gives, once everything is published.
pub(crate) async fn sql(server: &Running, statement: &str) -> Vec<String> {
    use futures::TryStreamExt;
    use mrrow_engine::arrow::util::display::array_value_to_string;
    server.engine.flush().await.unwrap();
    let snapshot = server.engine.snapshot(None).await.unwrap();
    let batches: Vec<_> = snapshot.sql(statement).await.unwrap().try_collect().await.unwrap();
    let mut rows = Vec::new();
    for batch in &batches {
        for at in 0..batch.num_rows() {
            let cells =
                batch.columns().iter().map(|column| array_value_to_string(column, at).unwrap());
            rows.push(cells.collect::<Vec<_>>().join(" "));
        }
    }
    rows
}
