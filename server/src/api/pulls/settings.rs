//! `…/pull`: how a data source is fetched.

use axum::extract::State;
use chrono::{DateTime, Utc};
use mrrow_engine::sources::Pull;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::data_source::source_of;
use crate::http::extract::{Json, Path};
use crate::http::success::Success;
use crate::pull::{
    Authentication, AuthenticationSummary, NewPull, PullError, PullSchedule, PullSettings,
    PullState, PullType, next_due, store_pull,
};

/// How to fetch a data source.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PullRequest {
    /// The base address of the types: `/customers`, `/plans` and `/invoices` are appended to its
    /// path. Its parameters are sent with every request; a secret belongs under `authentication`.
    #[schema(example = "https://billing.example.com/export", min_length = 1, max_length = 2048)]
    endpoint: String,
    /// The types to fetch; all three by default.
    #[serde(default)]
    #[schema(min_items = 1)]
    types: Option<Vec<PullType>>,
    /// How requests are authenticated. By default the stored credentials stay, if the endpoint
    /// stays at its host.
    #[serde(default)]
    #[schema(value_type = Option<Authentication>)]
    authentication: Option<Value>,
    /// The schedule of syncs; by default they start on demand only.
    #[serde(default)]
    schedule: Option<PullSchedule>,
}

impl PullRequest {
    /// Rejects settings that cannot be carried out.
    pub(crate) fn check(self, pulls: &PullState) -> Result<NewPull, PullError> {
        let PullRequest { endpoint, types, authentication, schedule } = self;
        NewPull::check(pulls, &endpoint, types, authentication, schedule.unwrap_or_default())
    }
}

/// How a data source is fetched.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PullAnswer {
    /// The data source's id.
    data_source: String,
    endpoint: String,
    types: Vec<PullType>,
    authentication: AuthenticationSummary,
    schedule: PullSchedule,
    /// The time at which the next scheduled sync is due; null without a schedule.
    next_sync_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

/// Shows how a data source is fetched, without its credentials.
#[utoipa::path(get, path = "/data-sources/{id}/pull", tag = "data sources",
    params(("id" = String, Path, description = "its id or name")),
    responses((status = 200, description = "how it is fetched", body = PullAnswer),
              (status = 404, description = "no such data source, or it has no endpoint",
               body = ErrorBody)))]
pub(crate) async fn show_pull(
    State(pulls): State<PullState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<PullAnswer>> {
    caller.require_admin()?;
    let source = source_of(&pulls.engine, &caller, &id).await?;
    let pull = pulls.engine.pull(&source.id).await?.ok_or_else(|| no_endpoint(source.id))?;
    answer(&pulls, &pull).await
}

/// Sets how a data source is fetched; this replaces the settings before.
#[utoipa::path(put, path = "/data-sources/{id}/pull", tag = "data sources",
    params(("id" = String, Path, description = "its id or name")), request_body = PullRequest,
    responses((status = 200, description = "how it is fetched", body = PullAnswer),
              (status = 404, description = "no such data source", body = ErrorBody)))]
pub(crate) async fn set_pull(
    State(pulls): State<PullState>,
    caller: Caller,
    Path(id): Path<String>,
    Json(request): Json<PullRequest>,
) -> Result<axum::Json<PullAnswer>> {
    caller.require_admin()?;
    let source = source_of(&pulls.engine, &caller, &id).await?;
    let new = request.check(&pulls)?;
    let pull = store_pull(&pulls, &source.id, new).await?;
    answer(&pulls, &pull).await
}

/// Removes the endpoint of a data source with its credentials; a running sync is aborted.
#[utoipa::path(delete, path = "/data-sources/{id}/pull", tag = "data sources",
    params(("id" = String, Path, description = "its id or name")),
    responses((status = 200, description = "it has no endpoint any more", body = Success),
              (status = 404, description = "no such data source, or it has no endpoint",
               body = ErrorBody)))]
pub(crate) async fn delete_pull(
    State(pulls): State<PullState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Success>> {
    caller.require_admin()?;
    let source = source_of(&pulls.engine, &caller, &id).await?;
    pulls.syncs.abort(&source.id).await;
    if !pulls.engine.delete_pull(&source.id).await? {
        return Err(no_endpoint(source.id));
    }
    Ok(axum::Json(Success::of(source.id)))
}

async fn answer(pulls: &PullState, pull: &Pull) -> Result<axum::Json<PullAnswer>> {
    let settings = PullSettings::of(pull)?;
    let next_sync_at = next_due(pulls, pull).await?;
    Ok(axum::Json(PullAnswer {
        data_source: pull.data_source.clone(),
        endpoint: settings.endpoint.into(),
        types: settings.types,
        authentication: settings.authentication,
        schedule: settings.schedule,
        next_sync_at,
        updated_at: pull.updated_at,
    }))
}

/// Not found, where [`PullError::NoEndpoint`] of a sync is a conflict.
fn no_endpoint(source: String) -> ApiError {
    ApiError::not_found("no_endpoint", PullError::NoEndpoint(source).to_string())
}
