//! The routes of the socket: one for each command.

use std::future::ready;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::post;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use mrrow_engine::Engine;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncReadExt};
use tokio::sync::mpsc;
use tokio_util::io::{StreamReader, SyncIoBridge};
use tokio_util::sync::CancellationToken;

use super::commands;
use super::event_sender::EventSender;
use super::protocol::{CommandEvent, CommandFailure, InputStream};
use crate::pull::RunningSyncs;

/// The longest request: a list of ids to delete, as long as a command line.
const REQUEST_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Lines of a response that wait for the client.
const LINES_WAITING: usize = 64;

/// The time that the client has to close the connection after the last event. Until then the server
/// accepts the rest of its stream.
const CLOSE_TIME: Duration = Duration::from_secs(2);

/// The state of the room; cheap to clone.
#[derive(Clone)]
pub(crate) struct LocalState {
    pub(crate) engine: Arc<Engine>,
    pub(crate) syncs: Arc<RunningSyncs>,
    /// Canceled when the server stops.
    pub(crate) stopping: CancellationToken,
}

/// Every command with its path.
pub(crate) fn routes(state: LocalState) -> Router {
    Router::new()
        .route("/import", post(import))
        .route("/push", post(push))
        .route("/delete", post(delete))
        .route("/compact", post(compact))
        .route("/reset", post(reset))
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}

async fn import(State(state): State<LocalState>, body: Body) -> Body {
    let engine = Arc::clone(&state.engine);
    respond(&state, body, move |request, stream, events| async move {
        commands::import(&engine, request, stream, &events).await
    })
}

async fn push(State(state): State<LocalState>, body: Body) -> Body {
    let engine = Arc::clone(&state.engine);
    respond(&state, body, move |request, stream, events| async move {
        commands::push(&engine, request, stream, &events).await
    })
}

async fn delete(State(state): State<LocalState>, body: Body) -> Body {
    let engine = Arc::clone(&state.engine);
    respond(
        &state,
        body,
        move |request, _, _| async move { commands::delete(&engine, request).await },
    )
}

async fn compact(State(state): State<LocalState>, body: Body) -> Body {
    let engine = Arc::clone(&state.engine);
    respond(&state, body, move |(), _, _| async move { commands::compact(&engine).await })
}

async fn reset(State(state): State<LocalState>, body: Body) -> Body {
    let LocalState { engine, syncs, .. } = state.clone();
    respond(&state, body, move |request, _, _| async move {
        commands::reset(&engine, &syncs, request).await
    })
}

/// Runs a command in its own task; the response body is its events.
fn respond<R, C, F>(state: &LocalState, body: Body, command: C) -> Body
where
    R: DeserializeOwned + Send,
    C: FnOnce(R, InputStream, EventSender) -> F + Send + 'static,
    F: Future<Output = Result<CommandEvent, CommandFailure>> + Send,
{
    let (lines, mut received) = mpsc::channel::<Bytes>(LINES_WAITING);
    let (events, stopping) = (EventSender::new(lines), state.stopping.clone());
    tokio::spawn(async move {
        let done = match read_request(body, stopping).await {
            Ok((request, stream)) => command(request, stream, events.clone()).await,
            Err(error) => Err(CommandFailure::usage(format!("read the request: {error}"))),
        };
        events.send(&done.unwrap_or_else(CommandEvent::Failed)).await;
        // The client closes the connection after the last event.
        let _ = tokio::time::timeout(CLOSE_TIME, events.closed()).await;
    });
    let lines = stream::poll_fn(move |context| received.poll_recv(context));
    Body::from_stream(lines.map(Ok::<_, io::Error>))
}

/// The request, which is the first line, and the stream after it. The stream fails when the server
/// stops, because it may never end.
async fn read_request<R: DeserializeOwned>(
    body: Body,
    stopping: CancellationToken,
) -> io::Result<(R, InputStream)> {
    let stopped = stopping.clone();
    let stopped_error = async move {
        stopped
            .is_cancelled()
            .then(|| Err(io::Error::other("the server is stopping; run the command again")))
    };
    let bytes = body.into_data_stream().map_err(io::Error::other);
    let bytes = bytes
        .take_until(stopping.cancelled_owned())
        .chain(stream::once(stopped_error).filter_map(ready));
    let mut reader = Box::pin(StreamReader::new(bytes));
    let mut line = Vec::new();
    (&mut reader).take(REQUEST_BYTES_MAX).read_until(b'\n', &mut line).await?;
    let request = serde_json::from_slice(&line).map_err(io::Error::other)?;
    Ok((request, Box::new(SyncIoBridge::new(reader))))
}
