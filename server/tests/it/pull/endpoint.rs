//! A test endpoint: an HTTP server with a function as its responses, which records its requests.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// A request that an endpoint received.
#[derive(Debug, Clone)]
pub(crate) struct RecordedRequest {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    /// Earlier requests of the same path and query.
    pub(crate) before: usize,
}

impl RecordedRequest {
    /// The number of the requested page.
    pub(crate) fn page(&self) -> u64 {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .filter(|(name, _)| *name == "page")
            .map(|(_, page)| page.parse().unwrap())
            .next()
            .unwrap_or(1)
    }

    pub(crate) fn is_of(&self, object: &str) -> bool {
        self.path.ends_with(object)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The path and the query.
    pub(crate) fn line(&self) -> String {
        if self.query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }
}

type Answers =
    Arc<dyn Fn(RecordedRequest) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send + Sync>;

pub(crate) struct Endpoint {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<RecordedRequest>>>,
    server: JoinHandle<()>,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Endpoint {
    /// Starts an endpoint that responds with a function's result.
    pub(crate) async fn start(
        answers: impl Fn(RecordedRequest) -> Response + Send + Sync + 'static,
    ) -> Endpoint {
        Endpoint::start_async(move |request| {
            let answer = answers(request);
            async move { answer }
        })
        .await
    }

    pub(crate) async fn start_async<F>(
        answers: impl Fn(RecordedRequest) -> F + Send + Sync + 'static,
    ) -> Endpoint
    where
        F: Future<Output = Response> + Send + 'static,
    {
        let answers: Answers = Arc::new(move |request| Box::pin(answers(request)));
        let requests: Arc<Mutex<Vec<RecordedRequest>>> = Arc::default();
        let recorded = Arc::clone(&requests);
        let routes = Router::new().fallback(move |request: Request| {
            let request = record(&recorded, &request);
            answers(request)
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Endpoint { address, requests, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/export", self.address)
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.requests.lock().unwrap().clone()
    }

    /// The paths and queries of the requests in their order.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests().iter().map(RecordedRequest::line).collect()
    }
}

fn record(all: &Mutex<Vec<RecordedRequest>>, request: &Request) -> RecordedRequest {
    let mut all = all.lock().unwrap();
    let (path, query) =
        (request.uri().path().to_string(), request.uri().query().unwrap_or_default().to_string());
    let before = all.iter().filter(|one| one.path == path && one.query == query).count();
    let request = RecordedRequest { path, query, headers: request.headers().clone(), before };
    all.push(request.clone());
    request
}

pub(crate) fn status(status: u16) -> Response {
    Response::builder().status(status).body(Body::empty()).unwrap()
}

pub(crate) fn redirect(to: &str) -> Response {
    Response::builder().status(302).header("location", to).body(Body::empty()).unwrap()
}

pub(crate) fn page(rows: Vec<Value>, has_more: bool) -> Response {
    axum::Json(json!({"data": rows, "has_more": has_more})).into_response()
}

pub(crate) fn customer(id: impl std::fmt::Display) -> Value {
    json!({"id": format!("c{id}"), "name": format!("Customer {id}")})
}

/// A customer on each of `pages` pages; no plans and no invoices.
pub(crate) fn customers(request: &RecordedRequest, pages: u64) -> Response {
    match request.is_of("customers") {
        true => page(vec![customer(request.page())], request.page() < pages),
        false => page(vec![], false),
    }
}
