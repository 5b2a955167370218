//! API keys: `/v1/keys`.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use mrrow_engine::Engine;
use mrrow_engine::access::{ApiKey, NewKey, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{ApiError, ErrorBody, Result};
use crate::http::body::Bodies;
use crate::http::caller::{Caller, KeyLookup};
use crate::http::extract::{Json, Path};
use crate::http::random::random_bytes;
use crate::random::Random;

pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    KeyLookup: FromRef<S>,
    Bodies: FromRef<S>,
    KeysState: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

#[derive(Clone)]
pub(crate) struct KeysState {
    pub(crate) engine: Arc<Engine>,
    pub(crate) random: Random,
}

/// A new key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRequest {
    /// The key's name, for people.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    role: KeyRole,
    /// The data sources that it reaches; all by default.
    #[serde(default)]
    data_sources: Option<Vec<String>>,
    /// The only data source that it reaches.
    #[serde(default)]
    data_source: Option<String>,
    /// The instant from which it is invalid.
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
}

/// The permissions of a key.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeyRole {
    /// Reads and writes.
    #[serde(alias = "Admin")]
    Admin,
    /// Reads.
    #[serde(alias = "Viewer")]
    Viewer,
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Key)]
pub(crate) struct KeyResponse {
    id: String,
    name: String,
    role: KeyRole,
    /// The data sources that it reaches; null for all.
    data_sources: Option<Vec<String>>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

/// A new key with its secret, which no other response has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedKey {
    #[serde(flatten)]
    key_response: KeyResponse,
    /// The secret, to send as `Authorization: Bearer …`.
    key: String,
}

/// The keys.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Keys {
    result: Vec<KeyResponse>,
}

impl From<ApiKey> for KeyResponse {
    fn from(key: ApiKey) -> KeyResponse {
        let role = match key.role {
            Role::Admin => KeyRole::Admin,
            Role::Viewer => KeyRole::Viewer,
        };
        let ApiKey { id, name, data_sources, created_at, expires_at, revoked_at, .. } = key;
        KeyResponse { id, name, role, data_sources, created_at, expires_at, revoked_at }
    }
}

/// All keys, revoked ones too, oldest first.
#[utoipa::path(get, path = "/keys", tag = "keys",
    responses((status = 200, description = "the keys", body = Keys)))]
async fn list(State(state): State<KeysState>, caller: Caller) -> Result<axum::Json<Keys>> {
    require_key_admin(&caller)?;
    let keys = state.engine.keys().await?;
    Ok(axum::Json(Keys { result: keys.into_iter().map(KeyResponse::from).collect() }))
}

/// Creates a key. Only this response has its secret.
#[utoipa::path(post, path = "/keys", tag = "keys", request_body = KeyRequest,
    responses((status = 201, description = "the key", body = CreatedKey)))]
async fn create(
    State(state): State<KeysState>,
    caller: Caller,
    Json(request): Json<KeyRequest>,
) -> Result<impl IntoResponse> {
    require_key_admin(&caller)?;
    let role = match request.role {
        KeyRole::Admin => Role::Admin,
        KeyRole::Viewer => Role::Viewer,
    };
    let KeyRequest { name, data_sources, data_source, expires_at, .. } = request;
    let data_sources = match (data_sources, data_source) {
        (Some(_), Some(_)) => {
            let message =
                "\"data_source\" and \"data_sources\" have the same meaning; send one of them";
            return Err(ApiError::invalid("data_source", message));
        }
        (None, Some(source)) => Some(vec![source]),
        (data_sources, None) => data_sources,
    };
    if expires_at.is_some_and(|at| at <= state.engine.now()) {
        return Err(ApiError::invalid(
            "expires_at",
            "\"expires_at\" is in the past; send a future instant",
        ));
    }
    let new = NewKey { name, role, data_sources, expires_at };
    let (created, key) = state.engine.create_key(&new, random_bytes(&state.random)?).await?;
    Ok((StatusCode::CREATED, axum::Json(CreatedKey { key_response: created.into(), key })))
}

/// Revokes a key. It is refused after a second at most.
#[utoipa::path(delete, path = "/keys/{id}", tag = "keys",
    params(("id" = String, Path, description = "the key's id")),
    responses((status = 200, description = "the key, revoked", body = KeyResponse),
              (status = 404, description = "no such key", body = ErrorBody)))]
async fn revoke(
    State(state): State<KeysState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<KeyResponse>> {
    require_key_admin(&caller)?;
    match state.engine.revoke_key(&id).await? {
        Some(key) => Ok(axum::Json(key.into())),
        None => Err(ApiError::not_found(
            "key_not_found",
            format!("there is no key \"{id}\"; GET /v1/keys lists all keys"),
        )),
    }
}

/// Only an unrestricted admin key manages keys, because a restricted one could create a key that
/// reaches more.
fn require_key_admin(caller: &Caller) -> Result<()> {
    caller.require_admin()?;
    caller.require_all_sources()
}
