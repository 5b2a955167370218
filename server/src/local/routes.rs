//! What can be asked for on the socket.

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
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncReadExt};
use tokio::sync::mpsc;
use tokio_util::io::{StreamReader, SyncIoBridge};
use tokio_util::sync::CancellationToken;

use super::wire::{Event, Failed};
use super::work::{self, Stream, Teller};
use crate::app::App;

/// The longest request: ids to be deleted, as many as a command line takes.
const REQUEST_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Lines that may wait to be read.
const LINES_WAITING: usize = 64;

/// How long the end of an answer waits for whoever reads it to hang up: until then nothing that
/// they still send is refused.
const HANG_UP_WAIT: Duration = Duration::from_secs(2);

/// Every piece of work and its path.
pub(crate) fn routes(app: App) -> Router {
    Router::new()
        .route("/import", post(import))
        .route("/push", post(push))
        .route("/delete", post(delete))
        .route("/compact", post(compact))
        .route("/reset", post(reset))
        .layer(DefaultBodyLimit::disable())
        .with_state(app)
}

async fn import(State(app): State<App>, body: Body) -> Body {
    let engine = Arc::clone(&app.engine);
    answer(&app, body, move |request, stream, teller| async move {
        work::import(&engine, request, stream, &teller).await
    })
}

async fn push(State(app): State<App>, body: Body) -> Body {
    let engine = Arc::clone(&app.engine);
    answer(&app, body, move |request, stream, teller| async move {
        work::push(&engine, request, stream, &teller).await
    })
}

async fn delete(State(app): State<App>, body: Body) -> Body {
    let engine = Arc::clone(&app.engine);
    answer(&app, body, move |request, _, _| async move { work::delete(&engine, request).await })
}

async fn compact(State(app): State<App>, body: Body) -> Body {
    let engine = Arc::clone(&app.engine);
    answer(&app, body, move |(), _, _| async move { work::compact(&engine).await })
}

async fn reset(State(app): State<App>, body: Body) -> Body {
    let at_work = app.clone();
    answer(&app, body, move |request, _, _| async move { work::reset(&at_work, request).await })
}

/// Does the work beside the answer, whose lines tell of it.
fn answer<R, W, F>(app: &App, body: Body, work: W) -> Body
where
    R: DeserializeOwned + Send,
    W: FnOnce(R, Stream, Teller) -> F + Send + 'static,
    F: Future<Output = Result<Event, Failed>> + Send,
{
    let (lines, mut told) = mpsc::channel::<Bytes>(LINES_WAITING);
    let (teller, stopping) = (Teller::new(lines), app.stopping.clone());
    tokio::spawn(async move {
        let done = match read_request(body, stopping).await {
            Ok((request, stream)) => work(request, stream, teller.clone()).await,
            Err(error) => Err(Failed::usage(format!("read the request: {error}"))),
        };
        teller.tell(&done.unwrap_or_else(Event::Failed)).await;
        // Who has heard the end hangs up.
        let _ = tokio::time::timeout(HANG_UP_WAIT, teller.nobody_listens()).await;
    });
    Body::from_stream(
        stream::poll_fn(move |context| told.poll_recv(context)).map(Ok::<_, io::Error>),
    )
}

/// The request, which is the first line, and the bytes after it. They break off when the server
/// stops: nobody knows how long they go on.
async fn read_request<R: DeserializeOwned>(
    body: Body,
    stopping: CancellationToken,
) -> io::Result<(R, Stream)> {
    let stopped = stopping.clone();
    let broken_off = async move {
        stopped
            .is_cancelled()
            .then(|| Err(io::Error::other("the server is stopping; run the command again")))
    };
    let bytes = body.into_data_stream().map_err(io::Error::other);
    let bytes = bytes
        .take_until(stopping.cancelled_owned())
        .chain(stream::once(broken_off).filter_map(ready));
    let mut reader = Box::pin(StreamReader::new(bytes));
    let mut line = Vec::new();
    (&mut reader).take(REQUEST_BYTES_MAX).read_until(b'\n', &mut line).await?;
    let request = serde_json::from_slice(&line).map_err(io::Error::other)?;
    Ok((request, Box::new(SyncIoBridge::new(reader))))
}
