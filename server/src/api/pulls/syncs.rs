//! `…/sync`, `…/full-import` and `…/abort`: syncs on demand.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::error::{ApiError, ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::data_source::source_of;
use crate::http::extract::{Path, Query};
use crate::http::path_segment::path_segment;
use crate::http::success::Success;
use crate::pull::{PullState, StartAt, StartOutcome, start};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SyncQuery {
    /// Resume at the page where the last sync stopped, instead of the first page.
    #[serde(default, deserialize_with = "crate::http::extract::flag")]
    resume: bool,
}

/// A sync is started.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SyncAnswer {
    /// Always true.
    success: bool,
    /// The data source's id.
    id: String,
    /// The sync's job.
    job: String,
}

/// Starts a sync of a data source; `…/progress` shows its progress.
#[utoipa::path(post, path = "/data-sources/{id}/sync", tag = "data sources",
    params(("id" = String, Path, description = "its id or name"), SyncQuery),
    responses((status = 202, description = "the sync is started", body = SyncAnswer,
                  headers(("Location" = String, description = "the address of its progress"))),
              (status = 404, description = "no such data source", body = ErrorBody),
              (status = 409, description = "a sync runs, no endpoint is set, or nothing to resume",
               body = ErrorBody)))]
pub(crate) async fn sync(
    State(pulls): State<PullState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SyncQuery>,
) -> Result<impl IntoResponse> {
    caller.require_admin()?;
    let source = source_of(&pulls.engine, &caller, &id).await?;
    let at = if query.resume { StartAt::LastStop } else { StartAt::Beginning };
    match start(&pulls, &source.id, at).await? {
        StartOutcome::Started(job) => {
            let progress = format!("/v1/data-sources/{}/progress", path_segment(&source.id));
            let answer = SyncAnswer { success: true, id: source.id, job: job.id };
            Ok((StatusCode::ACCEPTED, [(LOCATION, progress)], axum::Json(answer)))
        }
        StartOutcome::AlreadyRunning(job) => {
            let message = format!(
                "a sync of this data source runs (job \"{}\"); wait for it, or POST …/abort",
                job.id
            );
            Err(ApiError::conflict("sync_running", message))
        }
    }
}

/// Starts a sync from the beginning, for GrowPanel's clients. A running sync continues; a data
/// source without an endpoint has nothing to fetch.
#[utoipa::path(post, path = "/data-sources/{id}/full-import", tag = "data sources",
    params(("id" = String, Path, description = "its id or name")),
    responses((status = 200, description = "a sync is started or runs, or nothing is to fetch",
               body = Success),
              (status = 404, description = "no such data source", body = ErrorBody)))]
pub(crate) async fn full_import(
    State(pulls): State<PullState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Success>> {
    caller.require_admin()?;
    let source = source_of(&pulls.engine, &caller, &id).await?;
    // These clients send the request for pushed data sources too.
    if pulls.engine.pull(&source.id).await?.is_some() {
        start(&pulls, &source.id, StartAt::Beginning).await?;
    }
    Ok(axum::Json(Success::of(source.id)))
}

/// Aborts the running sync of a data source, if there is one; stored records stay.
#[utoipa::path(post, path = "/data-sources/{id}/abort", tag = "data sources",
    params(("id" = String, Path, description = "its id or name")),
    responses((status = 200, description = "no sync runs", body = Success),
              (status = 404, description = "no such data source", body = ErrorBody)))]
pub(crate) async fn abort(
    State(pulls): State<PullState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Success>> {
    caller.require_admin()?;
    let source = source_of(&pulls.engine, &caller, &id).await?;
    pulls.syncs.abort(&source.id).await;
    Ok(axum::Json(Success::of(source.id)))
}
