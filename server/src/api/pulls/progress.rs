//! `…/progress`: the progress of a sync, once or as a stream of events.

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

use super::progress_answer::ProgressAnswer;
use crate::error::{ApiError, ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::data_source::source_of;
use crate::http::extract::{Path, Query};
use crate::pull::{JOB_KIND, PullState};

/// Rejections in an answer by default.
const REJECTIONS_DEFAULT: usize = 10;

/// The shortest pause between two events.
const EVENT_PAUSE: Duration = Duration::from_millis(250);

/// The pause between two checks whether the first sync has started.
const FIRST_SYNC_PAUSE: Duration = Duration::from_secs(1);

/// The pause without events after which a comment keeps the connection open.
const KEEP_ALIVE_PAUSE: Duration = Duration::from_secs(15);

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProgressQuery {
    /// The number of rejected objects to return; 10 by default.
    #[param(minimum = 0, maximum = 1000)]
    rejections: Option<u16>,
}

/// Shows the progress of the newest sync of a data source. With `Accept: text/event-stream` the
/// answer is a stream of events named `progress` with the same JSON, until the sync ends. If a data
/// source with an endpoint has no sync yet, the stream follows its first one.
#[utoipa::path(get, path = "/data-sources/{id}/progress", tag = "data sources",
    params(("id" = String, Path, description = "its id or name"), ProgressQuery),
    responses((status = 200, description = "the progress", content(
                  (ProgressAnswer = "application/json"), (String = "text/event-stream"))),
              (status = 404, description = "no such data source", body = ErrorBody)))]
pub(crate) async fn progress(
    State(pulls): State<PullState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<ProgressQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let source = source_of(&pulls.engine, &caller, &id).await?;
    let rejections = query.rejections.map_or(REJECTIONS_DEFAULT, usize::from);
    if rejections > 1000 {
        let message = "at most 1000 rejections are returned; set it to 1000 or less";
        return Err(ApiError::invalid("rejections", message));
    }
    let (answer, updates) = match newest(&pulls, &source.id, rejections).await? {
        Some(newest) => newest,
        None if pulls.engine.pull(&source.id).await?.is_some() => {
            (ProgressAnswer::idle(), ProgressUpdates::OfFirstSync(source.id))
        }
        None => (ProgressAnswer::idle(), ProgressUpdates::None),
    };
    if !accepts_events(&headers) {
        return Ok(axum::Json(answer).into_response());
    }
    let events = events(pulls.clone(), answer, updates, rejections);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE_PAUSE)).into_response())
}

fn accepts_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|one| {
        one.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/event-stream")
    })
}

/// The updates that follow a first answer.
enum ProgressUpdates {
    None,
    /// Each change of this job.
    OfJob(Receiver<Arc<Job>>),
    /// Each change of the data source's first sync, while it has an endpoint.
    OfFirstSync(String),
}

/// The progress of the newest sync of a data source, and its further updates.
async fn newest(
    pulls: &PullState,
    source: &str,
    rejections: usize,
) -> Result<Option<(ProgressAnswer, ProgressUpdates)>> {
    if let Some(job) = pulls.syncs.watch(source) {
        return Ok(Some(progress_of(job, rejections)));
    }
    let jobs = pulls.engine.jobs(Some(source), Some(JOB_KIND), 1).await?;
    let newest = jobs.first().map(|job| ProgressAnswer::of(job, rejections));
    Ok(newest.map(|answer| (answer, ProgressUpdates::None)))
}

fn progress_of(
    mut job: Receiver<Arc<Job>>,
    rejections: usize,
) -> (ProgressAnswer, ProgressUpdates) {
    let answer = ProgressAnswer::of(&job.borrow_and_update(), rejections);
    let updates =
        if answer.is_final() { ProgressUpdates::None } else { ProgressUpdates::OfJob(job) };
    (answer, updates)
}

/// The first answer, then each update until the sync or the server ends.
fn events(
    pulls: PullState,
    first: ProgressAnswer,
    updates: ProgressUpdates,
    rejections: usize,
) -> impl Stream<Item = Result<Event, Infallible>> {
    futures::stream::unfold((Some(first), updates), move |(first, updates)| {
        let pulls = pulls.clone();
        async move {
            if let Some(first) = first {
                return Some((Ok(event(&first)), (None, updates)));
            }
            let (answer, updates) = tokio::select! {
                () = pulls.stopping.cancelled() => return None,
                update = next_update(&pulls, updates, rejections) => update?,
            };
            Some((Ok(event(&answer)), (None, updates)))
        }
    })
}

/// Waits for the next update; none after the last one.
async fn next_update(
    pulls: &PullState,
    updates: ProgressUpdates,
    rejections: usize,
) -> Option<(ProgressAnswer, ProgressUpdates)> {
    match updates {
        ProgressUpdates::None => None,
        ProgressUpdates::OfJob(mut job) => {
            job.changed().await.ok()?;
            tokio::time::sleep(EVENT_PAUSE).await;
            Some(progress_of(job, rejections))
        }
        ProgressUpdates::OfFirstSync(source) => loop {
            tokio::time::sleep(FIRST_SYNC_PAUSE).await;
            // Includes jobs that have ended: a short sync may run between two checks.
            if let Some(newest) = newest(pulls, &source, rejections).await.ok()? {
                return Some(newest);
            }
            // Without an endpoint, no first sync will start.
            pulls.engine.pull(&source).await.ok()??;
        },
    }
}

fn event(answer: &ProgressAnswer) -> Event {
    // Infallible: the answer is always JSON.
    Event::default().event("progress").json_data(answer).unwrap_or_default()
}
