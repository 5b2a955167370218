//! The outermost layer: gives each request an id and a line in the log, and each error response its
//! shape.

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use super::caller::KeyId;
use super::random::random_bytes;
use crate::error::ApiError;
use crate::metrics::Metrics;
use crate::random::Random;

/// The header that carries a request's id.
pub(crate) const REQUEST_ID: &str = "x-request-id";

/// The longest id that a client may send.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// The longest error text of another layer.
const TEXT_BYTES_MAX: usize = 1024;

/// The state of the layer.
#[derive(Clone)]
pub(crate) struct RequestIdLayer {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) random: Random,
}

pub(crate) async fn identify(
    State(layer): State<RequestIdLayer>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = match sent_id(request.headers()) {
        Some(id) => id,
        None => match random_bytes::<16>(&layer.random) {
            Ok(bytes) => format!("{:032x}", u128::from_be_bytes(bytes)),
            Err(error) => return error.into_response(),
        },
    };
    let method = request.method().clone();
    let path = request.uri().path().to_string();
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_string());
    let key = KeyId::default();
    request.extensions_mut().insert(key.clone());
    let _in_progress = layer.metrics.request_started();
    let span = tracing::info_span!("request", request_id = %id);
    let response = next.run(request).instrument(span).await;
    let mut response = in_shape(response, &id).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let (status, took) = (response.status().as_u16(), started.elapsed());
    layer.metrics.request_finished(&method, route.as_deref().unwrap_or("none"), status, took);
    let took_ms = took.as_micros() as u64 / 1000;
    tracing::info!(
        target: "mrrow::access",
        request_id = %id,
        %method,
        path,
        status,
        took_ms,
        key = key.get(),
    );
    response
}

/// The id that a client sent, if it is safe in headers and logs.
fn sent_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte);
    (!id.is_empty() && id.len() <= REQUEST_ID_BYTES_MAX && id.bytes().all(is_safe))
        .then(|| id.to_string())
}

/// Writes the body of an error response, also of one from another layer.
async fn in_shape(response: Response, id: &str) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let error = match parts.extensions.remove::<ApiError>() {
        Some(error) => error,
        None if is_json(&parts.headers) => return Response::from_parts(parts, body),
        None => of_another_layer(status, body).await,
    };
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = serde_json::to_vec(&error.body(id)).unwrap_or_default();
    Response::from_parts(parts, Body::from(body))
}

/// The error of a library's layer, with our message for known statuses.
async fn of_another_layer(status: StatusCode, body: Body) -> ApiError {
    let text = to_bytes(body, TEXT_BYTES_MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let (code, message) = match status {
        StatusCode::METHOD_NOT_ALLOWED => (
            "method_not_allowed",
            "this path does not support this method; the header Allow lists its methods",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => {
            ("too_large", "the body is too large; send it in parts, or POST it to …/imports")
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ("unsupported_encoding", "send the body plain, or with gzip or zstd")
        }
        StatusCode::REQUEST_TIMEOUT => {
            ("slow_request", "the request took too long to arrive; send it again")
        }
        StatusCode::INTERNAL_SERVER_ERROR => {
            ("internal", "the request failed; the server's log says why")
        }
        StatusCode::NOT_FOUND => {
            ("not_found", "there is nothing at this path; GET /openapi.json lists all paths")
        }
        _ => ("refused", ""),
    };
    ApiError::new(status, code, if message.is_empty() { text } else { message.to_string() })
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}
