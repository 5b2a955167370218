//! A client of the API that sends and receives JSON.

use mrrow_engine::access::{NewKey, Role};
use mrrow_engine::sources::NewDataSource;
use reqwest::{Client, Method};
use serde_json::Value;

use crate::listening_server::ListeningServer;

/// A client with a key.
pub(crate) struct ApiClient<'s> {
    server: &'s ListeningServer,
    http: Client,
    key: String,
}

/// A response with a JSON body.
#[derive(Debug)]
pub(crate) struct JsonResponse {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) json: Value,
}

impl<'s> ApiClient<'s> {
    pub(crate) fn admin(server: &'s ListeningServer) -> ApiClient<'s> {
        ApiClient::with(server, &server.admin)
    }

    pub(crate) fn with(server: &'s ListeningServer, key: &str) -> ApiClient<'s> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        ApiClient { server, http: Client::new(), key: key.to_string() }
    }

    /// A client whose key is restricted to a data source.
    pub(crate) async fn restricted(
        server: &'s ListeningServer,
        role: Role,
        source: &str,
    ) -> ApiClient<'s> {
        let data_sources = Some(vec![source.to_string()]);
        let new =
            NewKey { name: format!("{role:?} of {source}"), role, data_sources, expires_at: None };
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).unwrap();
        ApiClient::with(server, &server.engine.create_key(&new, secret).await.unwrap().1)
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<String>,
    ) -> JsonResponse {
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
        JsonResponse { status: status.as_u16(), headers, json }
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<String>) -> JsonResponse {
        self.send("POST", path, &[("content-type", "application/json")], body).await
    }

    pub(crate) async fn put(&self, path: &str, body: impl Into<String>) -> JsonResponse {
        self.send("PUT", path, &[("content-type", "application/json")], body).await
    }

    pub(crate) async fn get(&self, path: &str) -> JsonResponse {
        self.send("GET", path, &[], "").await
    }

    pub(crate) async fn delete(&self, path: &str) -> JsonResponse {
        self.send("DELETE", path, &[], "").await
    }
}

/// Creates another data source.
pub(crate) async fn new_source(server: &ListeningServer, id: &str) {
    let source = NewDataSource { id: Some(id.to_string()), name: format!("the {id}"), kind: None };
    server.engine.create_data_source(source, [0; 16]).await.unwrap();
}

/// The rows of a statement, after everything is published.
pub(crate) async fn sql(server: &ListeningServer, statement: &str) -> Vec<String> {
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
