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

use crate::app::App;
use crate::error::{ApiError, ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::data_source::source_of;
use crate::http::extract::{Path, Query};
use crate::pull::progress::{KIND, ProgressAnswer};

/// Rejections that are told unless more are asked for.
const REJECTIONS_DEFAULT: usize = 10;

/// Between two events at least.
const EVENT_PAUSE: Duration = Duration::from_millis(250);

/// How often it is looked whether the first sync has begun.
const FIRST_LOOKED_FOR_EVERY: Duration = Duration::from_secs(1);

/// Without an event, a comment keeps the connection.
const KEPT_ALIVE_EVERY: Duration = Duration::from_secs(15);

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProgressQuery {
    /// How many of the refused objects to tell; 10 unless given.
    #[param(minimum = 0, maximum = 1000)]
    rejections: Option<u16>,
}

/// How far the newest sync of a data source has come. With `Accept: text/event-stream` it is told
/// as it goes on: events named `progress` with the same JSON, until the sync ends; who asks before
/// the first sync of a source with an endpoint is told of that one.
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
        return Err(ApiError::invalid(
            "rejections",
            "at most 1000 rejections are told; ask for fewer",
        ));
    }
    let (answer, told) = match newest(&app, &source.id, rejections).await? {
        Some(newest) => newest,
        // Who asks before the first sync waits for it.
        None if app.engine.pull(&source.id).await?.is_some() => {
            (ProgressAnswer::idle(), Told::OfFirst(source.id))
        }
        None => (ProgressAnswer::idle(), Told::Nothing),
    };
    if !wants_events(&headers) {
        return Ok(axum::Json(answer).into_response());
    }
    let events = events(app, answer, told, rejections);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEPT_ALIVE_EVERY)).into_response())
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|one| {
        one.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/event-stream")
    })
}

/// How far the newest sync of a data source is, and what is still to be told of it.
async fn newest(
    app: &App,
    source: &str,
    rejections: usize,
) -> Result<Option<(ProgressAnswer, Told)>> {
    if let Some(mut job) = app.pulls.watch(source) {
        let answer = ProgressAnswer::of(&job.borrow_and_update(), rejections);
        return Ok(Some(of(job, answer)));
    }
    let jobs = app.engine.jobs(Some(source), Some(KIND), 1).await?;
    Ok(jobs.first().map(|job| (ProgressAnswer::of(job, rejections), Told::Nothing)))
}

fn of(job: Receiver<Arc<Job>>, answer: ProgressAnswer) -> (ProgressAnswer, Told) {
    let told = if answer.is_over() { Told::Nothing } else { Told::Of(job) };
    (answer, told)
}

/// What is told after an answer.
enum Told {
    Nothing,
    /// Each change of this sync.
    Of(Receiver<Arc<Job>>),
    /// Each change of the first sync of this data source, once there is one, while it may come.
    OfFirst(String),
}

/// The answer now, and each further one until the sync or the server ends.
fn events(
    app: App,
    first: ProgressAnswer,
    told: Told,
    rejections: usize,
) -> impl Stream<Item = Result<Event, Infallible>> {
    futures::stream::unfold((Some(first), told), move |(first, told)| {
        let app = app.clone();
        async move {
            if let Some(first) = first {
                return Some((Ok(event(&first)), (None, told)));
            }
            let (answer, told) = tokio::select! {
                () = app.stopping.cancelled() => return None,
                changed = changed(&app, told, rejections) => changed?,
            };
            Some((Ok(event(&answer)), (None, told)))
        }
    })
}

/// Waits until there is something new to tell.
async fn changed(app: &App, told: Told, rejections: usize) -> Option<(ProgressAnswer, Told)> {
    match told {
        Told::Nothing => None,
        Told::Of(mut job) => {
            job.changed().await.ok()?;
            tokio::time::sleep(EVENT_PAUSE).await;
            let answer = ProgressAnswer::of(&job.borrow_and_update(), rejections);
            Some(of(job, answer))
        }
        Told::OfFirst(source) => loop {
            tokio::time::sleep(FIRST_LOOKED_FOR_EVERY).await;
            // A short one may be over before it was seen at work.
            if let Some(newest) = newest(app, &source, rejections).await.ok()? {
                return Some(newest);
            }
            // There will be none of a source that is not fetched any more.
            app.engine.pull(&source).await.ok()??;
        },
    }
}

fn event(answer: &ProgressAnswer) -> Event {
    // Only data that is not JSON could not be written.
    Event::default().event("progress").json_data(answer).unwrap_or_default()
}
