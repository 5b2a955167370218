//! What a child says becomes an answer: JSON whole, so that its status is right; other forms as
//! they come, broken off where they fail.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HeaderName, TRAILER};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures::stream;
use http_body::Frame as BodyFrame;
use http_body_util::StreamBody;
use tokio::sync::mpsc;

use crate::config::SqlLimits;
use crate::error::{ApiError, Result};
use crate::rows::Format;
use crate::statements::child::Running;
use crate::statements::failure;
use crate::statements::wire::{End, Frame};

const SNAPSHOT: HeaderName = HeaderName::from_static("mrrow-snapshot");
/// After an answer that is not JSON: whether there were more rows than were asked for.
const TRUNCATED: HeaderName = HeaderName::from_static("mrrow-truncated");

/// Parts of an answer that are ahead of its client.
const PARTS_AHEAD: usize = 2;

type Part = std::result::Result<BodyFrame<Bytes>, std::io::Error>;

pub(super) async fn answer(
    mut running: Running,
    format: Format,
    limits: &SqlLimits,
) -> Result<Response> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(SNAPSHOT, HeaderValue::from(running.snapshot()));
    if format == Format::Json {
        let document = whole(&mut running, limits.json_bytes).await?;
        return Ok((headers, document).into_response());
    }
    // Until the first part is there, a failure has a status of its own.
    let first = running.next().await?;
    headers.insert(TRAILER, HeaderValue::from_static("mrrow-truncated"));
    let (sender, parts) = mpsc::channel(PARTS_AHEAD);
    tokio::spawn(send_parts(running, first, sender, limits.clone()));
    let parts = stream::unfold(parts, |mut parts| async move {
        parts.recv().await.map(|part: Part| (part, parts))
    });
    Ok((headers, Body::new(StreamBody::new(parts))).into_response())
}

async fn whole(running: &mut Running, bytes_max: usize) -> Result<Vec<u8>> {
    let mut document = Vec::new();
    loop {
        match running.next().await? {
            Frame::Data(bytes) if document.len() + bytes.len() > bytes_max => {
                let message = format!(
                    "the answer has more than {bytes_max} bytes; ask for fewer columns or rows, or for another form: ?format=ndjson"
                );
                return Err(failure::limit(message));
            }
            Frame::Data(bytes) => document.extend_from_slice(&bytes),
            Frame::End(_) => return Ok(document),
            Frame::Failure(failure) => return Err(failure::told(failure)),
            Frame::Taken => {}
        }
    }
}

/// Sends what the child says, until it ends or nobody takes it any more. Without an end the answer
/// is broken off.
async fn send_parts(
    mut running: Running,
    first: Frame,
    sender: mpsc::Sender<Part>,
    limits: SqlLimits,
) {
    let mut frame = first;
    let mut bytes_left = limits.stream_bytes;
    loop {
        let part = match frame {
            Frame::Data(bytes) => {
                let Some(left) = bytes_left.checked_sub(bytes.len() as u64) else {
                    let bytes_max = limits.stream_bytes;
                    return break_off(
                        &sender,
                        failure::limit(format!("the answer has more than {bytes_max} bytes")),
                    )
                    .await;
                };
                bytes_left = left;
                BodyFrame::data(bytes.into())
            }
            Frame::End(end) => {
                // Whoever has gone does not miss it.
                let _ =
                    sender.send_timeout(Ok(BodyFrame::trailers(trailers(end))), limits.pause).await;
                return;
            }
            Frame::Failure(failure) => return break_off(&sender, failure::told(failure)).await,
            Frame::Taken => BodyFrame::data(Bytes::new()),
        };
        if sender.send_timeout(Ok(part), limits.pause).await.is_err() {
            return;
        }
        let next = tokio::select! {
            next = running.next() => next,
            () = sender.closed() => return,
        };
        frame = match next {
            Ok(frame) => frame,
            Err(error) => return break_off(&sender, error).await,
        };
    }
}

fn trailers(end: End) -> HeaderMap {
    let truncated = if end.truncated { "true" } else { "false" };
    HeaderMap::from_iter([(TRUNCATED, HeaderValue::from_static(truncated))])
}

async fn break_off(sender: &mpsc::Sender<Part>, error: ApiError) {
    tracing::warn!(
        code = error.code,
        message = error.message,
        "a statement's answer is broken off"
    );
    // Whoever has gone does not miss it.
    let _ = sender.send(Err(std::io::Error::other(error.message))).await;
}
