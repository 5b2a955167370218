//! Request bodies that are read whole, within limits of size, time and memory.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use mrrow_engine::budget::{Budget, Exhausted, Permit};

use crate::config::Limits;
use crate::error::{ApiError, Result};

/// Reads bodies, and bounds the memory of all of them.
#[derive(Clone)]
pub(crate) struct Bodies {
    memory: Budget,
    bytes_max: usize,
    read_time: Duration,
}

/// A whole body; its bytes count until it is dropped.
pub(crate) struct WholeBody {
    bytes: Bytes,
    _memory: Permit,
}

impl WholeBody {
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl Bodies {
    pub(crate) fn new(limits: &Limits) -> Bodies {
        Bodies {
            memory: Budget::new(limits.bodies_bytes as u64),
            bytes_max: limits.decoded_bytes,
            read_time: limits.body_time,
        }
    }

    /// The bytes of all bodies in memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory.used()
    }

    /// Reads a whole body.
    pub(crate) async fn read(&self, request: Request) -> Result<WholeBody> {
        let length = request.headers().get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        // Reserve the announced length, so that a body is refused before it arrives.
        let expected = length.unwrap_or(0).min(self.bytes_max) as u64;
        let mut memory = self.memory.try_take(expected).map_err(overloaded)?;
        let reading = collect(request.into_body(), self.bytes_max, &mut memory);
        let bytes = tokio::time::timeout(self.read_time, reading).await.map_err(|_| {
            let seconds = self.read_time.as_secs();
            let message = format!(
                "the body did not arrive within {seconds} seconds; send it faster, or in parts"
            );
            ApiError::new(StatusCode::REQUEST_TIMEOUT, "slow_request", message)
        })??;
        Ok(WholeBody { bytes, _memory: memory })
    }
}

async fn collect(body: Body, bytes_max: usize, memory: &mut Permit) -> Result<Bytes> {
    let mut stream = body.into_data_stream();
    let mut collected = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| unreadable(&error))?;
        let bytes = collected.len() + chunk.len();
        if bytes > bytes_max {
            let message = format!(
                "the body has more than {bytes_max} bytes; send it in parts, or POST it to \
                    /v1/data-sources/{{id}}/imports"
            );
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message));
        }
        memory.grow_to(bytes as u64).map_err(overloaded)?;
        collected.extend_from_slice(&chunk);
    }
    Ok(collected.freeze())
}

fn overloaded(_: Exhausted) -> ApiError {
    ApiError::overloaded("too many requests are being read; send it again in a second")
}

/// The error of a layer below, such as decompression.
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

/// Whether a body exceeded its length limit; decompressors wrap that error.
pub(crate) fn is_length_limit(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(at) = cause {
        if at.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        // `io::Error::source` skips the error that it wraps.
        let inner = at.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match inner {
            Some(inner) => Some(inner),
            None => at.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bodies_share_a_bounded_memory() {
        let limits = Limits { bodies_bytes: 10, decoded_bytes: 10, ..Limits::default() };
        let bodies = Bodies::new(&limits);
        let request = |bytes: usize| Request::new(Body::from(vec![b'x'; bytes]));
        let first = bodies.read(request(6)).await;
        assert_eq!(first.as_ref().map(|body| body.bytes().len()).ok(), Some(6));
        assert_eq!(bodies.memory_bytes(), 6);
        assert_eq!(bodies.read(request(5)).await.err().map(|error| error.code), Some("overloaded"));
        drop(first);
        assert!(bodies.read(request(10)).await.is_ok());
        assert_eq!(bodies.read(request(11)).await.err().map(|error| error.code), Some("too_large"));
        assert_eq!(bodies.memory_bytes(), 0);
    }
}
