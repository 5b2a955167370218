//! `GET|PUT /v1/settings`: what the numbers depend on besides the records.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use mrrow_engine::model::{GraceDays, SETTING_NAMES, Settings};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{ApiError, ErrorDetail, Result};
use crate::http::caller::Caller;
use crate::http::extract::{Json, Target};
use crate::snapshots::Entity;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, change))
}

/// How long an answer waits for a change to be computed; a longer one goes on by itself.
const CHANGE_WAIT: Duration = Duration::from_secs(20);

/// The settings.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AllSettings {
    /// The zone whose days MRR is counted in.
    #[schema(example = "Europe/Paris")]
    timezone: String,
    /// When a cancellation takes effect: period_end or immediate.
    churn_recognition: String,
    grace_days: Grace,
    /// Whether refunds touch MRR: reduce or ignore.
    refunds: String,
    /// What prorations mean: add, replace or ignore.
    prorations: String,
    /// Whether discounts lower MRR: net or gross.
    discounts: String,
    /// The currency of reports; null: the only one in the data.
    base_currency: Option<String>,
}

/// How long a missing renewal is waited for: 0 to 90 days, or `never`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Grace {
    /// So many days.
    Days(u16),
    /// The word `never`: only a cancellation churns.
    Never(String),
}

/// The settings to change; those that are not named stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "it documents the body, which is read field by field to tell all errors at once"
)]
pub(super) struct SettingsChange {
    timezone: Option<String>,
    churn_recognition: Option<String>,
    grace_days: Option<Grace>,
    refunds: Option<String>,
    prorations: Option<String>,
    discounts: Option<String>,
    /// Null unsets it.
    base_currency: Option<String>,
}

impl AllSettings {
    pub(super) fn of(settings: &Settings) -> Result<AllSettings> {
        let text = |name| settings.get(name).map_err(ApiError::internal);
        Ok(AllSettings {
            timezone: text("timezone")?,
            churn_recognition: text("churn_recognition")?,
            grace_days: match settings.grace_days {
                GraceDays::Days(days) => Grace::Days(days),
                GraceDays::Never => Grace::Never("never".to_string()),
            },
            refunds: text("refunds")?,
            prorations: text("prorations")?,
            discounts: text("discounts")?,
            base_currency: settings.base_currency.clone(),
        })
    }
}

/// The account's settings, as they were last set.
#[utoipa::path(get, path = "/settings", tag = "reads",
    responses((status = 200, description = "all settings", body = AllSettings),
              (status = 304, description = "the client has them: If-None-Match names their ETag")))]
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    Target(target): Target,
    headers: HeaderMap,
) -> Result<Response> {
    let settings = AllSettings::of(&app.engine.settings().await?)?;
    let text = serde_json::to_string(&settings).map_err(ApiError::internal)?;
    Ok(Entity::new(&caller, &target, "json").answer(text, &headers))
}

/// Changes settings, all that are named or none, and recomputes what follows. Reads see the old
/// numbers until that is done.
#[utoipa::path(put, path = "/settings", tag = "reads", request_body = Option<SettingsChange>, responses(
    (status = 200, description = "all settings; the numbers follow them", body = AllSettings),
    (status = 202, description = "all settings; the numbers are still being computed", body = AllSettings),
    (status = 422, description = "with them the rules cannot be carried out for a customer; they stay as they were", body = crate::error::ErrorBody)))]
pub(super) async fn change(
    State(app): State<App>,
    caller: Caller,
    Json(request): Json<Map<String, Value>>,
) -> Result<Response> {
    caller.require_admin()?;
    caller.require_all_sources()?;
    let changes = read(&request, app.engine.settings().await?)?;
    let engine = Arc::clone(&app.engine);
    let work = tokio::spawn(async move {
        let changes: Vec<(&str, &str)> =
            changes.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let changed = engine.set_settings(&changes).await;
        if let Err(error) = &changed {
            tracing::error!(%error, "change the settings");
        }
        changed
    });
    let status = match tokio::time::timeout(CHANGE_WAIT, work).await {
        Ok(done) => {
            done.map_err(|error| ApiError::internal(format!("change the settings: {error}")))??;
            StatusCode::OK
        }
        Err(_) => StatusCode::ACCEPTED,
    };
    Ok((status, axum::Json(AllSettings::of(&app.engine.settings().await?)?)).into_response())
}

/// The changes as texts, or everything that is wrong with them.
fn read(
    request: &Map<String, Value>,
    mut settings: Settings,
) -> Result<Vec<(&'static str, String)>> {
    let (mut changes, mut errors) = (Vec::new(), Vec::new());
    for (name, value) in request {
        let known = SETTING_NAMES.into_iter().find(|known| known == name);
        let text = known.and_then(|known| text_of(known, value));
        let set = match (&known, &text) {
            (Some(_), None) => Err(format!(
                "\"{name}\" does not take {value}; GET /v1/settings shows what it is like"
            )),
            _ => settings
                .set(name, text.as_deref().unwrap_or_default())
                .map_err(|error| error.to_string()),
        };
        match (set, known, text) {
            (Ok(()), Some(known), Some(text)) => changes.push((known, text)),
            (Ok(()), ..) => {}
            (Err(message), ..) => errors.push(ErrorDetail {
                pointer: Some(format!("/{}", name.replace('~', "~0").replace('/', "~1"))),
                field: Some(name.clone()),
                code: if known.is_some() { "invalid_value" } else { "unknown_field" }.to_string(),
                message,
                value: Some(value.to_string()),
                ..ErrorDetail::default()
            }),
        }
    }
    match errors.first() {
        None => Ok(changes),
        Some(first) => {
            Err(ApiError::bad_request("invalid_setting", first.message.clone()).with_errors(errors))
        }
    }
}

/// The value as the engine takes it; none for one of another type than the setting's.
fn text_of(name: &str, value: &Value) -> Option<String> {
    match (name, value) {
        ("grace_days", Value::Number(days)) => Some(days.to_string()),
        ("grace_days", Value::String(text)) if text == "never" => Some(text.clone()),
        ("grace_days", _) => None,
        ("base_currency", Value::Null) => Some(String::new()),
        ("base_currency", Value::String(text)) if text.is_empty() => None,
        (_, Value::String(text)) => Some(text.clone()),
        _ => None,
    }
}
