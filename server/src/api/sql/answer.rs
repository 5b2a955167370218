//! The answer of a statement. JSON is sent whole, so that a late failure still has its status.
//! Other formats are streamed, and broken off by a failure.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HeaderName, TRAILER};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures::stream;
use http_body::Frame as BodyFrame;
use http_body_util::StreamBody;
use tokio::sync::mpsc;

use super::errors::limit_exceeded;
use crate::config::SqlLimits;
use crate::error::{ApiError, Result};
use crate::http::response_format::media_type;
use crate::rows::{RowFormat, json_string};
use crate::statements::{RunningStatement, StatementColumn, StatementEnd, StatementEvent};

const SNAPSHOT: HeaderName = HeaderName::from_static("mrrow-snapshot");
/// A trailer of streamed answers: whether the statement has more rows than the answer.
const TRUNCATED: HeaderName = HeaderName::from_static("mrrow-truncated");

/// Parts of an answer that are ahead of its client.
const PARTS_AHEAD: usize = 2;

type Part = std::result::Result<BodyFrame<Bytes>, std::io::Error>;

pub(super) async fn answer(
    mut running: RunningStatement,
    format: RowFormat,
    limits: &SqlLimits,
) -> Result<Response> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(format)));
    headers.insert(SNAPSHOT, HeaderValue::from(running.snapshot().id()));
    if format == RowFormat::Json {
        let document = json_document(&mut running, limits.json_bytes).await?;
        return Ok((headers, document).into_response());
    }
    // Wait for the first rows: a failure before them has a status of its own.
    let mut first = running.next().await?;
    while let StatementEvent::Columns(_) = first {
        first = running.next().await?;
    }
    headers.insert(TRAILER, HeaderValue::from_static("mrrow-truncated"));
    let (sender, parts) = mpsc::channel(PARTS_AHEAD);
    tokio::spawn(send_parts(running, first, sender, limits.clone()));
    let parts = stream::unfold(parts, |mut parts| async move {
        parts.recv().await.map(|part: Part| (part, parts))
    });
    Ok((headers, Body::new(StreamBody::new(parts))).into_response())
}

/// The whole answer as one JSON document; [`super::SqlAnswer`] documents it.
async fn json_document(running: &mut RunningStatement, bytes_max: usize) -> Result<Vec<u8>> {
    let mut document = Vec::new();
    loop {
        let (bytes, is_end) = match running.next().await? {
            StatementEvent::Columns(columns) => (json_start(&columns).into_bytes(), false),
            StatementEvent::Rows(bytes) => (bytes, false),
            StatementEvent::End(end) => (json_end(end, running.snapshot().id()).into_bytes(), true),
        };
        if document.len() + bytes.len() > bytes_max {
            return Err(limit_exceeded(format!(
                "the answer has more than {bytes_max} bytes; select fewer columns or rows, or \
                 another format: ?format=ndjson"
            )));
        }
        document.extend_from_slice(&bytes);
        if is_end {
            return Ok(document);
        }
    }
}

fn json_start(columns: &[StatementColumn]) -> String {
    let column = |StatementColumn { name, sql_type }: &StatementColumn| {
        format!("{{\"name\":{},\"type\":{}}}", json_string(name), json_string(sql_type))
    };
    let columns: Vec<String> = columns.iter().map(column).collect();
    format!("{{\"columns\":[{}],\"rows\":[", columns.join(","))
}

fn json_end(end: StatementEnd, snapshot: i64) -> String {
    let StatementEnd { row_count, truncated } = end;
    format!("],\"row_count\":{row_count},\"truncated\":{truncated},\"snapshot\":{snapshot}}}")
}

/// Sends the parts of an answer until its end, or until the client goes. An answer without its end
/// is broken off.
async fn send_parts(
    mut running: RunningStatement,
    first: StatementEvent,
    sender: mpsc::Sender<Part>,
    limits: SqlLimits,
) {
    let mut event = first;
    let mut bytes_left = limits.stream_bytes;
    loop {
        let (part, is_end) = match event {
            StatementEvent::Columns(_) => (BodyFrame::data(Bytes::new()), false),
            StatementEvent::Rows(bytes) => {
                let Some(left) = bytes_left.checked_sub(bytes.len() as u64) else {
                    let bytes_max = limits.stream_bytes;
                    let message = format!("the answer has more than {bytes_max} bytes");
                    return break_off(&sender, limit_exceeded(message)).await;
                };
                bytes_left = left;
                (BodyFrame::data(bytes.into()), false)
            }
            StatementEvent::End(end) => (BodyFrame::trailers(trailers(end)), true),
        };
        let is_sent = sender.send_timeout(Ok(part), limits.pause).await.is_ok();
        if is_end || !is_sent {
            return;
        }
        let next = tokio::select! {
            next = running.next() => next,
            () = sender.closed() => return,
        };
        event = match next {
            Ok(event) => event,
            Err(failure) => return break_off(&sender, failure.into()).await,
        };
    }
}

fn trailers(end: StatementEnd) -> HeaderMap {
    let truncated = if end.truncated { "true" } else { "false" };
    HeaderMap::from_iter([(TRUNCATED, HeaderValue::from_static(truncated))])
}

async fn break_off(sender: &mpsc::Sender<Part>, error: ApiError) {
    tracing::warn!(
        code = error.code,
        message = error.message,
        "the answer of a statement is broken off"
    );
    // Fails only if the client has gone.
    let _ = sender.send(Err(std::io::Error::other(error.message))).await;
}
