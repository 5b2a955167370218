//! `…/sync`, `…/full-import` and `…/abort`: syncs on demand.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::error::{ApiError, ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::data_source::source_of;
use crate::http::extract::{Path, Query};
use crate::http::success::Success;
use crate::pull::progress::in_path;
use crate::pull::syncs::{From, Started, start};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SyncQuery {
    /// Go on where the last sync stopped, in place of beginning anew.
    #[serde(default, deserialize_with = "crate::http::extract::flag")]
    resume: bool,
}

/// A sync has begun.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SyncAnswer {
    /// Always true.
    success: bool,
    /// The data source's id.
    id: String,
    /// The sync's job.
    job: String,
}

/// Begins to fetch a data source; `…/progress` tells how far it is.
#[utoipa::path(post, path = "/data-sources/{id}/sync", tag = "data sources",
    params(("id" = String, Path, description = "its id or name"), SyncQuery),
    responses((status = 202, description = "it has begun", body = SyncAnswer,
                  headers(("Location" = String, description = "where its progress is"))),
              (status = 404, description = "no such data source", body = ErrorBody),
              (status = 409, description = "a sync is at work, there is no endpoint, or nothing to go on with", body = ErrorBody)))]
pub(crate) async fn sync(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SyncQuery>,
) -> Result<impl IntoResponse> {
    caller.require_admin()?;
    let source = source_of(&app, &caller, &id).await?;
    let from = if query.resume { From::LastStop } else { From::Beginning };
    match start(&app, &source.id, from).await? {
        Started::Begun(job) => {
            let progress = format!("/v1/data-sources/{}/progress", in_path(&source.id));
            let answer = SyncAnswer { success: true, id: source.id, job: job.id };
            Ok((StatusCode::ACCEPTED, [(LOCATION, progress)], axum::Json(answer)))
        }
        Started::AtWork(job) => {
            let message = format!(
                "a sync of this data source is at work (job \"{}\"); wait for it, or POST …/abort",
                job.id
            );
            Err(ApiError::conflict("sync_running", message))
        }
    }
}

/// Begins to fetch a data source from the beginning, as GrowPanel's clients ask for it; one that is
/// at work goes on. Where no endpoint is set there is nothing to fetch.
#[utoipa::path(post, path = "/data-sources/{id}/full-import", tag = "data sources",
    params(("id" = String, Path, description = "its id or name")),
    responses((status = 200, description = "it has begun, is at work, or has nothing to fetch", body = Success),
              (status = 404, description = "no such data source", body = ErrorBody)))]
pub(crate) async fn full_import(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Success>> {
    caller.require_admin()?;
    let source = source_of(&app, &caller, &id).await?;
    // A source that is pushed to has nothing to fetch; a client that knows no endpoints asks all
    // the same.
    if app.engine.pull(&source.id).await?.is_some() {
        start(&app, &source.id, From::Beginning).await?;
    }
    Ok(axum::Json(Success::of(source.id)))
}

/// Stops the sync of a data source, if one is at work; what it has stored stays.
#[utoipa::path(post, path = "/data-sources/{id}/abort", tag = "data sources",
    params(("id" = String, Path, description = "its id or name")),
    responses((status = 200, description = "no sync is at work", body = Success),
              (status = 404, description = "no such data source", body = ErrorBody)))]
pub(crate) async fn abort(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Success>> {
    caller.require_admin()?;
    let source = source_of(&app, &caller, &id).await?;
    app.pulls.abort(&source.id).await;
    Ok(axum::Json(Success::of(source.id)))
}
