//! `…/pull`: how a data source is fetched.

use axum::extract::State;
use chrono::{DateTime, Utc};
use mrrow_engine::sources::Pull;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::{ApiError, ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::data_source::source_of;
use crate::http::extract::{Json, Path};
use crate::http::success::Success;
use crate::pull::address::Guard;
use crate::pull::credentials::{Authentication, ShownAuthentication};
use crate::pull::kept::{keep, seal};
use crate::pull::schedule::Schedule;
use crate::pull::scheduler::due;
use crate::pull::settings::{PullSettings, PullType};

/// The longest address of an endpoint.
const ENDPOINT_BYTES_MAX: usize = 2048;

/// How a data source is to be fetched.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PullRequest {
    /// The address under which the types are: `/customers`, `/plans` and `/invoices` are added to
    /// its path. Its parameters are kept; a secret does not belong into them but under
    /// `authentication`.
    #[schema(example = "https://billing.example.com/export", min_length = 1, max_length = 2048)]
    endpoint: String,
    /// What to fetch; all three unless given.
    #[serde(default)]
    #[schema(min_items = 1)]
    types: Option<Vec<PullType>>,
    /// How the endpoint is to know us. Without it the credentials that are set stay, if the
    /// endpoint stays at its host.
    #[serde(default)]
    #[schema(value_type = Option<Authentication>)]
    authentication: Option<Value>,
    /// When it is fetched by itself; only on demand unless given.
    #[serde(default)]
    schedule: Option<Schedule>,
}

/// How a data source is fetched.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PullAnswer {
    /// The data source's id.
    data_source: String,
    endpoint: String,
    types: Vec<PullType>,
    authentication: ShownAuthentication,
    schedule: Schedule,
    /// When the next scheduled sync is due; null without a schedule.
    next_sync_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

/// How a data source is fetched, without its credentials.
#[utoipa::path(get, path = "/data-sources/{id}/pull", tag = "data sources",
    params(("id" = String, Path, description = "its id or name")),
    responses((status = 200, description = "how it is fetched", body = PullAnswer),
              (status = 404, description = "no such data source, or it is not fetched", body = ErrorBody)))]
pub(crate) async fn show_pull(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<PullAnswer>> {
    caller.require_admin()?;
    let source = source_of(&app, &caller, &id).await?;
    let pull = app.engine.pull(&source.id).await?.ok_or_else(|| not_fetched(&source.id))?;
    answer(&app, &pull).await
}

/// Sets how a data source is fetched, in place of what was set before.
#[utoipa::path(put, path = "/data-sources/{id}/pull", tag = "data sources",
    params(("id" = String, Path, description = "its id or name")), request_body = PullRequest,
    responses((status = 200, description = "how it is fetched", body = PullAnswer),
              (status = 404, description = "no such data source", body = ErrorBody)))]
pub(crate) async fn set_pull(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(request): Json<PullRequest>,
) -> Result<axum::Json<PullAnswer>> {
    caller.require_admin()?;
    let source = source_of(&app, &caller, &id).await?;
    let pull = request.check(&app)?.set(&app, &source.id).await?;
    answer(&app, &pull).await
}

/// How a data source is to be fetched, once that is checked.
pub(crate) struct CheckedPull {
    endpoint: Url,
    types: Vec<PullType>,
    /// None: what is set stays.
    authentication: Option<Authentication>,
    schedule: Schedule,
}

impl PullRequest {
    /// Refuses what cannot be carried out.
    pub(crate) fn check(self, app: &App) -> Result<CheckedPull> {
        let endpoint = check_endpoint(app, &self.endpoint)?;
        let types = check_types(self.types)?;
        let schedule = self.schedule.unwrap_or_default();
        schedule.check()?;
        let authentication = self.authentication.map(check_authentication).transpose()?;
        Ok(CheckedPull { endpoint, types, authentication, schedule })
    }
}

impl CheckedPull {
    /// Sets it.
    pub(crate) async fn set(self, app: &App, source: &str) -> Result<Pull> {
        let CheckedPull { endpoint, types, authentication, schedule } = self;
        let (authentication, sealed) = match authentication {
            Some(authentication) => {
                (authentication.shown(), seal(app, source, &authentication).await?)
            }
            None => keep(app, source, &endpoint).await?,
        };
        let settings = PullSettings { endpoint, types, authentication, schedule };
        let settings = serde_json::to_value(&settings)
            .map_err(|error| ApiError::internal(format!("write a pull's settings: {error}")))?;
        let pull = app.engine.set_pull(source, settings, sealed).await?;
        app.pulls.changed.notify_one();
        Ok(pull)
    }
}

fn check_authentication(sent: Value) -> Result<Authentication> {
    // The library's own words would repeat what was sent.
    let authentication: Authentication = serde_json::from_value(sent).map_err(|_| {
        let message = "it must be {\"type\":\"none\"}, {\"type\":\"header\",\"name\",\"value\"}, {\"type\":\"bearer\",\"token\"} or {\"type\":\"basic\",\"username\",\"password\"}";
        ApiError::invalid("authentication", message)
    })?;
    authentication.check()?;
    Ok(authentication)
}

/// Forgets how a data source is fetched, credentials and all; a sync at work is aborted.
#[utoipa::path(delete, path = "/data-sources/{id}/pull", tag = "data sources",
    params(("id" = String, Path, description = "its id or name")),
    responses((status = 200, description = "it is not fetched any more", body = Success),
              (status = 404, description = "no such data source, or it is not fetched", body = ErrorBody)))]
pub(crate) async fn delete_pull(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Success>> {
    caller.require_admin()?;
    let source = source_of(&app, &caller, &id).await?;
    app.pulls.abort(&source.id).await;
    if !app.engine.delete_pull(&source.id).await? {
        return Err(not_fetched(&source.id));
    }
    Ok(axum::Json(Success::of(source.id)))
}

async fn answer(app: &App, pull: &Pull) -> Result<axum::Json<PullAnswer>> {
    let settings: PullSettings =
        serde_json::from_value(pull.settings.clone()).map_err(|error| {
            ApiError::internal(format!("read how \"{}\" is fetched: {error}", pull.data_source))
        })?;
    let next_sync_at = due(app, pull).await?;
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

fn not_fetched(source: &str) -> ApiError {
    let message = format!(
        "the data source \"{source}\" has no endpoint to fetch from; PUT /v1/data-sources/{source}/pull sets one"
    );
    ApiError::not_found("no_endpoint", message)
}

/// Refuses what cannot be fetched from. What a name's addresses are is seen when they are connected
/// to.
fn check_endpoint(app: &App, text: &str) -> Result<Url> {
    let refused = |message: &str| ApiError::invalid("endpoint", message);
    if text.len() > ENDPOINT_BYTES_MAX {
        return Err(refused("the endpoint has more than 2048 bytes; shorten it"));
    }
    let mut url = Url::parse(text).map_err(|_| {
        refused("the endpoint is not a URL; send one such as https://billing.example.com/export")
    })?;
    url.set_fragment(None);
    Guard::new(&app.config.pull_allowed)
        .check(&url)
        .map_err(|failure| refused(&failure.message))?;
    Ok(url)
}

/// The types in the order in which they are fetched.
fn check_types(types: Option<Vec<PullType>>) -> Result<Vec<PullType>> {
    let Some(types) = types else { return Ok(PullType::ALL.to_vec()) };
    if types.len() > PullType::ALL.len() {
        return Err(ApiError::invalid("types", "there are three types; name each of them once"));
    }
    let wanted: Vec<PullType> =
        PullType::ALL.into_iter().filter(|one| types.contains(one)).collect();
    if wanted.is_empty() {
        return Err(ApiError::invalid(
            "types",
            "no type is named; name some of customers, plans and invoices, or leave it out",
        ));
    }
    Ok(wanted)
}
