//! An endpoint to pull from: an HTTP server that answers as a test says, and remembers what it was
//! asked.

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

/// What an endpoint is asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    /// How often this was asked already.
    pub(crate) before: usize,
}

impl Asked {
    /// The number of the page.
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

type Answers = Arc<dyn Fn(Asked) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send + Sync>;

pub(crate) struct Endpoint {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    server: JoinHandle<()>,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Endpoint {
    /// Answers as the function says.
    pub(crate) async fn start(
        answers: impl Fn(Asked) -> Response + Send + Sync + 'static,
    ) -> Endpoint {
        Endpoint::start_async(move |asked| {
            let answer = answers(asked);
            async move { answer }
        })
        .await
    }

    pub(crate) async fn start_async<F>(
        answers: impl Fn(Asked) -> F + Send + Sync + 'static,
    ) -> Endpoint
    where
        F: Future<Output = Response> + Send + 'static,
    {
        let answers: Answers = Arc::new(move |asked| Box::pin(answers(asked)));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let remembered = Arc::clone(&asked);
        let routes = Router::new().fallback(move |request: Request| {
            let asked = remember(&remembered, &request);
            answers(asked)
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Endpoint { address, asked, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/export", self.address)
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Paths and queries in the order in which they were asked for.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Asked::line).collect()
    }
}

fn remember(all: &Mutex<Vec<Asked>>, request: &Request) -> Asked {
    let mut all = all.lock().unwrap();
    let (path, query) =
        (request.uri().path().to_string(), request.uri().query().unwrap_or_default().to_string());
    let before = all.iter().filter(|one| one.path == path && one.query == query).count();
    let asked = Asked { path, query, headers: request.headers().clone(), before };
    all.push(asked.clone());
    asked
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

/// A customer on each of so many pages; no plans and no invoices.
pub(crate) fn customers(asked: &Asked, pages: u64) -> Response {
    match asked.is_of("customers") {
        true => page(vec![customer(asked.page())], asked.page() < pages),
        false => page(vec![], false),
    }
}
