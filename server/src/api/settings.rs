//! `GET|PUT /v1/settings`: the settings of the rules.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use mrrow_engine::Engine;
use mrrow_engine::model::{GraceDays, SETTING_NAMES, Settings};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{ApiError, ErrorDetail, Result};
use crate::http::body::Bodies;
use crate::http::caller::{Caller, KeyLookup};
use crate::http::extract::{Json, RequestTarget};
use crate::snapshots::EntityTag;

pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    KeyLookup: FromRef<S>,
    Bodies: FromRef<S>,
    Arc<Engine>: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(show, change))
}

/// The time that a response waits for the computation, which continues after it.
const CHANGE_WAIT: Duration = Duration::from_secs(20);

/// The settings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AllSettings)]
pub(super) struct SettingsResponse {
    /// The time zone of days.
    #[schema(example = "Europe/Paris")]
    timezone: String,
    /// The effect of a cancellation: period_end or immediate.
    churn_recognition: String,
    grace_days: GraceSetting,
    /// The effect of refunds on MRR: reduce or ignore.
    refunds: String,
    /// The meaning of prorations: add, replace or ignore.
    prorations: String,
    /// The effect of discounts on MRR: net or gross.
    discounts: String,
    /// The currency of reports; null for the only one in the data.
    base_currency: Option<String>,
}

/// The grace for a missing renewal: 0 to 90 days, or `never`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Grace)]
pub(super) enum GraceSetting {
    /// Days.
    Days(u16),
    /// The word `never`: only a cancellation causes churn.
    Never(String),
}

/// The settings to change; the others stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "it documents the body, which is read field by field to find all errors"
)]
pub(super) struct SettingsChange {
    timezone: Option<String>,
    churn_recognition: Option<String>,
    grace_days: Option<GraceSetting>,
    refunds: Option<String>,
    prorations: Option<String>,
    discounts: Option<String>,
    /// Null unsets it.
    base_currency: Option<String>,
}

impl SettingsResponse {
    pub(super) fn of(settings: &Settings) -> Result<SettingsResponse> {
        let text = |name| settings.get(name).map_err(ApiError::internal);
        Ok(SettingsResponse {
            timezone: text("timezone")?,
            churn_recognition: text("churn_recognition")?,
            grace_days: match settings.grace_days {
                GraceDays::Days(days) => GraceSetting::Days(days),
                GraceDays::Never => GraceSetting::Never("never".to_string()),
            },
            refunds: text("refunds")?,
            prorations: text("prorations")?,
            discounts: text("discounts")?,
            base_currency: settings.base_currency.clone(),
        })
    }
}

/// The account's settings.
#[utoipa::path(get, path = "/settings", tag = "reads",
    responses((status = 200, description = "all settings", body = SettingsResponse),
              (status = 304, description = "the client has them: If-None-Match has their ETag")))]
pub(super) async fn show(
    State(engine): State<Arc<Engine>>,
    caller: Caller,
    RequestTarget(target): RequestTarget,
    headers: HeaderMap,
) -> Result<Response> {
    let settings = SettingsResponse::of(&engine.settings().await?)?;
    let text = serde_json::to_string(&settings).map_err(ApiError::internal)?;
    Ok(EntityTag::new(&caller, &target, "json").json(text, &headers))
}

/// Changes all of the settings in the body or none, and computes the movements again. Reads return
/// the old numbers until then.
#[utoipa::path(put, path = "/settings", tag = "reads", request_body = Option<SettingsChange>,
    responses(
    (status = 200, description = "all settings; the numbers are computed", body = SettingsResponse),
    (status = 202, description = "all settings; the numbers are still being computed",
        body = SettingsResponse),
    (status = 422,
        description = "the rules fail for a customer with them; the settings are unchanged",
        body = crate::error::ErrorBody)))]
pub(super) async fn change(
    State(engine): State<Arc<Engine>>,
    caller: Caller,
    Json(request): Json<Map<String, Value>>,
) -> Result<Response> {
    caller.require_admin()?;
    caller.require_all_sources()?;
    let changes = parse_changes(&request, engine.settings().await?)?;
    let writer = Arc::clone(&engine);
    let work = tokio::spawn(async move {
        let changes: Vec<(&str, &str)> =
            changes.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let changed = writer.set_settings(&changes).await;
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
    Ok((status, axum::Json(SettingsResponse::of(&engine.settings().await?)?)).into_response())
}

/// The changes as texts, or all of their errors.
fn parse_changes(
    request: &Map<String, Value>,
    mut settings: Settings,
) -> Result<Vec<(&'static str, String)>> {
    let (mut changes, mut errors) = (Vec::new(), Vec::new());
    for (name, value) in request {
        let known = SETTING_NAMES.into_iter().find(|known| known == name);
        let text = known.and_then(|known| text_of(known, value));
        let set = match (&known, &text) {
            (Some(_), None) => {
                Err(format!("\"{name}\" cannot be {value}; GET /v1/settings shows its form"))
            }
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

/// The engine's text of a value; none if the type is wrong.
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
