//! Data sources over HTTP: the same paths under `/v1/data-sources` and, as GrowPanel's clients
//! speak, under `/data/data-sources`.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use mrrow_engine::access::{NewKey, Role};
use mrrow_engine::sources::{DataSource, NewDataSource};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::pulls::PullRequest;
use crate::app::App;
use crate::error::{ApiError, ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::data_source::source_of;
use crate::http::extract::{Json, Path, Query};
use crate::http::success::Success;
use crate::pull::store_pull;

/// How long an answer waits for a reset; a longer one goes on by itself.
const RESET_WAIT: Duration = Duration::from_secs(20);

/// The kinds of source that GrowPanel knows; all are fed alike here.
const KINDS: [&str; 8] =
    ["api", "alunta", "chargebee", "csv", "google-sheets", "manual", "recurly", "stripe"];

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).merge(of_one())
}

pub(crate) fn client_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create_for_client)).merge(of_one())
}

fn of_one() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, update, delete)).routes(routes!(reset))
}

/// A data source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Source {
    /// Its id, which a sender names.
    id: String,
    name: String,
    /// What feeds it.
    #[serde(rename = "type")]
    kind: String,
    /// `connected`: it takes records; `importing`: it is fetched, and takes them too.
    #[schema(example = "connected")]
    status: &'static str,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// The sync that is at work, `waiting` or `running`; null when none is.
    #[schema(example = "running")]
    import_status: Option<&'static str>,
    /// When that was asked for.
    import_started: Option<DateTime<Utc>>,
}

/// A new data source with a key for its sender.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClientSource {
    #[serde(flatten)]
    source: Source,
    /// An admin key restricted to this source, shown this once; for the types `api` and
    /// `google-sheets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
}

/// The data sources.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sources {
    result: Vec<Source>,
}

/// What a data source is to be.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SourceRequest {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// The type; `api` unless given.
    #[serde(rename = "type", default)]
    #[schema(example = "api")]
    kind: Option<String>,
    /// The id; made up unless given.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 255)]
    id: Option<String>,
    /// How it is fetched, where it is; it can be set later too.
    #[serde(default)]
    pull: Option<PullRequest>,
}

/// What of a data source is to change.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SourceChange {
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    #[serde(rename = "type", default)]
    kind: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only sources of this type.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    kind: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeleteQuery {
    /// Also delete the records that it has sent; they stay otherwise.
    #[serde(default, deserialize_with = "crate::http::extract::flag")]
    delete_data: bool,
}

impl Source {
    fn of(app: &App, source: DataSource) -> Source {
        let DataSource { id, name, kind, created_at, updated_at, .. } = source;
        let sync = app.pulls.syncs.job(&id);
        let status = if sync.is_some() { "importing" } else { "connected" };
        let import_status = sync.as_ref().map(|job| job.state.as_str());
        let import_started = sync.map(|job| job.created_at);
        Source { id, name, kind, status, created_at, updated_at, import_status, import_started }
    }
}

/// The data sources that the key sees, oldest first.
#[utoipa::path(get, path = "/data-sources", tag = "data sources", params(ListQuery),
    responses((status = 200, description = "the data sources", body = Sources)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Sources>> {
    let sources = app.engine.data_sources().await?;
    let is_asked_for = |source: &DataSource| {
        caller.key.sees(&source.id) && query.kind.as_ref().is_none_or(|kind| *kind == source.kind)
    };
    let asked_for = sources.into_iter().filter(is_asked_for);
    Ok(axum::Json(Sources { result: asked_for.map(|source| Source::of(&app, source)).collect() }))
}

/// Makes a data source.
#[utoipa::path(post, path = "/data-sources", tag = "data sources", request_body = SourceRequest,
    responses((status = 201, description = "the data source", body = Source),
              (status = 409, description = "there is one with this id", body = ErrorBody)))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(request): Json<SourceRequest>,
) -> Result<impl IntoResponse> {
    let source = make(&app, &caller, request).await?;
    Ok((StatusCode::CREATED, axum::Json(Source::of(&app, source))))
}

/// Makes a data source, with a key for its sender.
#[utoipa::path(post, path = "/data-sources", tag = "data sources", request_body = SourceRequest,
    responses((status = 201, description = "the data source", body = ClientSource),
              (status = 409, description = "there is one with this id", body = ErrorBody)))]
async fn create_for_client(
    State(app): State<App>,
    caller: Caller,
    Json(request): Json<SourceRequest>,
) -> Result<impl IntoResponse> {
    let source = make(&app, &caller, request).await?;
    let access_token = match source.kind.as_str() {
        "api" | "google-sheets" => {
            let data_sources = Some(vec![source.id.clone()]);
            let new = NewKey {
                name: senders_key(&source.id),
                role: Role::Admin,
                data_sources,
                expires_at: None,
            };
            Some(app.engine.create_key(&new, app.random()?).await?.1)
        }
        _ => None,
    };
    Ok((
        StatusCode::CREATED,
        axum::Json(ClientSource { source: Source::of(&app, source), access_token }),
    ))
}

/// One data source.
#[utoipa::path(get, path = "/data-sources/{id}", tag = "data sources", params(("id" = String, Path, description = "its id or name")),
    responses((status = 200, description = "the data source", body = Source),
              (status = 404, description = "no such data source", body = ErrorBody)))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Source>> {
    let source = source_of(&app, &caller, &id).await?;
    Ok(axum::Json(Source::of(&app, source)))
}

/// Changes what a data source is called.
#[utoipa::path(put, path = "/data-sources/{id}", tag = "data sources", params(("id" = String, Path, description = "its id or name")),
    request_body = Option<SourceChange>,
    responses((status = 200, description = "the data source", body = Source),
              (status = 404, description = "no such data source", body = ErrorBody),
              (status = 409, description = "another one has this id", body = ErrorBody)))]
async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(change): Json<SourceChange>,
) -> Result<axum::Json<Source>> {
    caller.require_admin()?;
    let source = source_of(&app, &caller, &id).await?;
    check_kind(change.kind.as_deref())?;
    let changed = app
        .engine
        .update_data_source(&source.id, change.name.as_deref(), change.kind.as_deref())
        .await?;
    let changed = changed.ok_or_else(|| ApiError::data_source_not_found(&id))?;
    Ok(axum::Json(Source::of(&app, changed)))
}

/// Deletes a data source: it takes no more records. What it has sent stays in the numbers unless
/// that is to go too.
#[utoipa::path(delete, path = "/data-sources/{id}", tag = "data sources",
    params(("id" = String, Path, description = "its id or name"), DeleteQuery),
    responses((status = 200, description = "it is deleted", body = Success),
              (status = 404, description = "no such data source", body = ErrorBody)))]
async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<DeleteQuery>,
) -> Result<axum::Json<Success>> {
    caller.require_admin()?;
    let source = source_of(&app, &caller, &id).await?;
    app.pulls.syncs.abort(&source.id).await;
    app.engine.delete_data_source(&source.id).await?;
    end_senders_key(&app, &source.id).await?;
    if query.delete_data {
        empty(&app, &source.id).await?;
    }
    Ok(axum::Json(Success::of(source.id)))
}

/// Deletes every record of a data source; the source and how it is fed stay.
#[utoipa::path(post, path = "/data-sources/{id}/reset", tag = "data sources",
    params(("id" = String, Path, description = "its id or name")),
    responses((status = 200, description = "its records are deleted, or are being deleted", body = Success),
              (status = 404, description = "no such data source", body = ErrorBody)))]
async fn reset(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Success>> {
    caller.require_admin()?;
    let source = source_of(&app, &caller, &id).await?;
    empty(&app, &source.id).await?;
    Ok(axum::Json(Success::of(source.id)))
}

async fn make(app: &App, caller: &Caller, request: SourceRequest) -> Result<DataSource> {
    caller.require_admin()?;
    caller.require_all_sources()?;
    check_kind(request.kind.as_deref())?;
    let SourceRequest { name, kind, id, pull } = request;
    let pull = pull.map(|pull| pull.check(&app.pulls)).transpose()?;
    let source =
        app.engine.create_data_source(NewDataSource { id, name, kind }, app.random()?).await?;
    if let Some(pull) = pull
        && let Err(error) = store_pull(&app.pulls, &source.id, pull).await
    {
        // Nobody asked for a source that cannot be fetched.
        app.engine.delete_data_source(&source.id).await?;
        return Err(error.into());
    }
    Ok(source)
}

fn check_kind(kind: Option<&str>) -> Result<()> {
    match kind {
        Some(kind) if !KINDS.contains(&kind) => Err(ApiError::invalid(
            "type",
            format!("\"{kind}\" is not a type of data source; use one of {}", KINDS.join(", ")),
        )),
        _ => Ok(()),
    }
}

/// Deletes the records of a source, on after the answer if it takes long.
async fn empty(app: &App, id: &str) -> Result<()> {
    app.pulls.syncs.abort(id).await;
    let (engine, id) = (std::sync::Arc::clone(&app.engine), id.to_string());
    let work = tokio::spawn(async move {
        let emptied = engine.reset_data_source(&id, |_| {}).await;
        if let Err(error) = &emptied {
            tracing::error!(%error, data_source = id, "delete the records of a data source");
        }
        emptied
    });
    match tokio::time::timeout(RESET_WAIT, work).await {
        Ok(done) => {
            done.map_err(|error| {
                ApiError::internal(format!("delete the records of a data source: {error}"))
            })??;
            Ok(())
        }
        Err(_) => Ok(()),
    }
}

/// What the key is called that a client got with its data source.
fn senders_key(source: &str) -> String {
    format!("sender of {source}")
}

async fn end_senders_key(app: &App, source: &str) -> Result<()> {
    let name = senders_key(source);
    let only = [source.to_string()];
    for key in app.engine.keys().await? {
        if key.name == name
            && key.revoked_at.is_none()
            && key.data_sources.as_deref() == Some(&only)
        {
            app.engine.revoke_key(&key.id).await?;
        }
    }
    Ok(())
}
