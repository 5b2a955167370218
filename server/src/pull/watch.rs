//! `…/progress`: how far a sync is, once or as it goes on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use mrrow_engine::jobs::Job;
use serde::Deserialize;
use tokio::sync::watch::Receiver;
use utoipa::IntoParams;

use super::progress::{KIND, ProgressAnswer};
use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ErrorBody, Result};
use crate::extract::{Path, Query};
use crate::sources::source_of;

/// Rejections that are told unless more are asked for.
const REJECTIONS_DEFAULT: usize = 10;

/// Between two events at least.
const EVENT_PAUSE: Duration = Duration::from_millis(250);

/// Without an event, a comment keeps the connection.
const KEPT_ALIVE_EVERY: Duration = Duration::from_secs(15);

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProgressQuery {
    /// How many of the refused objects to tell; 10 unless given.
    #[param(minimum = 0, maximum = 1000)]
    rejections: Option<u16>,
}

/// How far the newest sync of a data source has come. With `Accept: text/event-stream` it is told as it goes on: events named `progress` with
/// the same JSON, until the sync ends.
#[utoipa::path(get, path = "/data-sources/{id}/progress", tag = "data sources",
    params(("id" = String, Path, description = "its id or name"), ProgressQuery),
    responses((status = 200, description = "how far it is", content((ProgressAnswer = "application/json"), (String = "text/event-stream"))),
              (status = 404, description = "no such data source", body = ErrorBody)))]
pub(crate) async fn progress(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<ProgressQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let source = source_of(&app, &caller, &id).await?;
    let rejections = query.rejections.map_or(REJECTIONS_DEFAULT, usize::from);
    if rejections > 1000 {
        return Err(ApiError::invalid("rejections", "at most 1000 rejections are told; ask for fewer"));
    }
    let at_work = app.pulls.watch(&source.id);
    let answer = match &at_work {
        Some(job) => ProgressAnswer::of(&job.borrow(), rejections),
        None => match app.engine.jobs(Some(&source.id), Some(KIND), 1).await?.first() {
            Some(job) => ProgressAnswer::of(job, rejections),
            None => ProgressAnswer::idle(),
        },
    };
    if !wants_events(&headers) {
        return Ok(axum::Json(answer).into_response());
    }
    let events = events(app, answer, at_work, rejections);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEPT_ALIVE_EVERY)).into_response())
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted
        .flat_map(|value| value.split(','))
        .any(|one| one.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/event-stream"))
}

/// The answer now, and each further one until the sync or the server ends.
fn events(
    app: App,
    first: ProgressAnswer,
    at_work: Option<Receiver<Arc<Job>>>,
    rejections: usize,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let job = at_work.filter(|_| !first.is_over());
    futures::stream::unfold((Some(first), job), move |(first, job)| {
        let app = app.clone();
        async move {
            if let Some(first) = first {
                return Some((Ok(event(&first)), (None, job)));
            }
            let mut job = job?;
            tokio::select! {
                () = app.stopping.cancelled() => return None,
                changed = job.changed() => changed.ok()?,
            }
            tokio::time::sleep(EVENT_PAUSE).await;
            let answer = ProgressAnswer::of(&job.borrow_and_update(), rejections);
            let job = Some(job).filter(|_| !answer.is_over());
            Some((Ok(event(&answer)), (None, job)))
        }
    })
}

fn event(answer: &ProgressAnswer) -> Event {
    // Only data that is not JSON could not be written.
    Event::default().event("progress").json_data(answer).unwrap_or_default()
}
