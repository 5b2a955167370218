//! What handlers take out of a request, with errors in the one shape and limits on what is held.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::error::{ApiError, Result};

/// The parameters of a query.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Query<T>> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => Ok(Query(query)),
            Err(error) => Err(ApiError::bad_request("invalid_query", error.body_text())),
        }
    }
}

/// A parameter that is said or not: `true` or `1`, `false` or `0`, or only its name.
pub(crate) fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_flag(&text).ok_or_else(|| {
        serde::de::Error::custom(format!("\"{text}\" is neither \"true\" nor \"false\""))
    })
}

/// The same, of its text.
pub(crate) fn parse_flag(text: &str) -> Option<bool> {
    match text {
        "true" | "1" | "" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// The parameters of a path.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Path<T>> {
        match axum::extract::Path::from_request_parts(parts, app).await {
            Ok(axum::extract::Path(path)) => Ok(Path(path)),
            Err(error) => Err(ApiError::bad_request("invalid_path", error.body_text())),
        }
    }
}

/// The path and the query of a request, as its client sent them.
pub(crate) struct Target(pub(crate) String);

impl FromRequestParts<App> for Target {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Target> {
        // A nested router sees a part of the path only.
        let uri = axum::extract::OriginalUri::from_request_parts(parts, app).await.map(|uri| uri.0);
        let uri = uri.unwrap_or_else(|_| parts.uri.clone());
        Ok(Target(uri.path_and_query().map_or_else(String::new, ToString::to_string)))
    }
}

/// A small JSON body: an object; null, or none at all, is one without fields.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Json<T>> {
        let body = read_body(app, request).await?;
        let text = body.bytes();
        let text: &[u8] = if matches!(text.trim_ascii(), b"" | b"null") { b"{}" } else { text };
        // The library also reads an object's fields from an array, in their order.
        let is_object = text.trim_ascii_start().starts_with(b"{");
        match serde_json::from_slice(text) {
            Ok(value) if is_object => Ok(Json(value)),
            Ok(_) => {
                Err(ApiError::bad_request("invalid_request", "the body must be a JSON object"))
            }
            Err(error) if error.is_data() => {
                Err(ApiError::bad_request("invalid_request", error.to_string()))
            }
            Err(error) => {
                Err(ApiError::bad_request("invalid_json", format!("the body is not JSON: {error}")))
            }
        }
    }
}

/// A body that was read whole; its bytes count as held until it is dropped.
pub(crate) struct HeldBody {
    bytes: Bytes,
    _held: Held,
}

impl HeldBody {
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

/// Reads a body whole, within the limits of size and time, and of all bodies together.
pub(crate) async fn read_body(app: &App, request: Request) -> Result<HeldBody> {
    let limits = &app.config.limits;
    let told =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let mut held = app.bodies.hold(0)?;
    // What is told to come is held before it comes.
    held.grow_to(told.unwrap_or(0).min(limits.decoded_bytes))?;
    let reading = collect(request.into_body(), limits.decoded_bytes, &mut held);
    let bytes = tokio::time::timeout(limits.body_time, reading).await.map_err(|_| {
        let seconds = limits.body_time.as_secs();
        let message = format!(
            "the body did not arrive within {seconds} seconds; send it faster, or in parts"
        );
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "slow_request", message)
    })??;
    Ok(HeldBody { bytes, _held: held })
}

async fn collect(body: Body, bytes_max: usize, held: &mut Held) -> Result<Bytes> {
    let mut stream = body.into_data_stream();
    let mut collected = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| unreadable(&error))?;
        if collected.len() + chunk.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        held.grow_to(collected.len() + chunk.len())?;
        collected.extend_from_slice(&chunk);
    }
    Ok(collected.freeze())
}

/// The body is larger than it may be.
pub(crate) fn too_large(bytes_max: usize) -> ApiError {
    let message = format!(
        "the body has more than {bytes_max} bytes; send it in parts, or POST it to /v1/data-sources/{{id}}/imports"
    );
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
}

/// What the layers below say of a body that could not be read.
fn unreadable(error: &axum::Error) -> ApiError {
    if is_length_limit(error) {
        let message =
            "the body is too large; send it in parts, or POST it to /v1/data-sources/{id}/imports";
        return ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message);
    }
    ApiError::bad_request(
        "unreadable_body",
        format!("the body could not be read: {error}; is it compressed as Content-Encoding says?"),
    )
}

/// Whether a body could not be read on since it is longer than it may be; decompressors wrap that.
pub(crate) fn is_length_limit(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(at) = cause {
        if at.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        // An input or output error does not count what it was made of among its sources.
        let inner = at.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match inner {
            Some(inner) => Some(inner),
            None => at.source(),
        };
    }
    false
}

/// The bytes of all bodies that are held at once.
#[derive(Clone)]
pub(crate) struct Bodies {
    held: Arc<AtomicUsize>,
    bytes_max: usize,
}

/// A part of them; given back when it is dropped.
pub(crate) struct Held {
    bodies: Bodies,
    bytes: usize,
}

impl Bodies {
    pub(crate) fn new(bytes_max: usize) -> Bodies {
        Bodies { held: Arc::default(), bytes_max }
    }

    /// How many bytes are held.
    pub(crate) fn bytes(&self) -> usize {
        self.held.load(Ordering::Acquire)
    }

    pub(crate) fn hold(&self, bytes: usize) -> Result<Held> {
        let mut held = Held { bodies: self.clone(), bytes: 0 };
        held.grow_to(bytes)?;
        Ok(held)
    }
}

impl Held {
    /// Holds so many bytes, unless all together are too many.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<()> {
        let more = bytes.saturating_sub(self.bytes);
        let before = self.bodies.held.fetch_add(more, Ordering::AcqRel);
        if more > 0 && before + more > self.bodies.bytes_max {
            self.bodies.held.fetch_sub(more, Ordering::AcqRel);
            let message = "too many requests are being read at once; send it again in a second";
            return Err(ApiError::try_again("overloaded", message, Duration::from_secs(1)));
        }
        self.bytes += more;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.bodies.held.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_hold_no_more_together_than_they_may() {
        let bodies = Bodies::new(10);
        let mut first = bodies.hold(6).unwrap_or_else(|_| unreachable!("6 of 10 fit"));
        assert!(bodies.hold(5).is_err());
        assert!(first.grow_to(10).is_ok());
        assert!(first.grow_to(11).is_err());
        assert_eq!(bodies.bytes(), 10);
        drop(first);
        assert_eq!(bodies.bytes(), 0);
    }
}
