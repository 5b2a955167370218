//! API keys over HTTP.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use mrrow_engine::access::{ApiKey, NewKey, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{ApiError, ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::extract::{Json, Path};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// What a key is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRequest {
    /// Whose key it is, for people.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    role: KeyRole,
    /// The data sources it is restricted to; all of them without.
    #[serde(default)]
    data_sources: Option<Vec<String>>,
    /// The only one that it is restricted to.
    #[serde(default)]
    data_source: Option<String>,
    /// When it ends.
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
}

/// What a key may do.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeyRole {
    /// Everything.
    #[serde(alias = "Admin")]
    Admin,
    /// Read.
    #[serde(alias = "Viewer")]
    Viewer,
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Key {
    id: String,
    name: String,
    role: KeyRole,
    /// Null when it is not restricted.
    data_sources: Option<Vec<String>>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

/// A new key with its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedKey {
    #[serde(flatten)]
    about: Key,
    /// What to send as `Authorization: Bearer …`.
    key: String,
}

/// The keys.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Keys {
    result: Vec<Key>,
}

impl From<ApiKey> for Key {
    fn from(key: ApiKey) -> Key {
        let role = match key.role {
            Role::Admin => KeyRole::Admin,
            Role::Viewer => KeyRole::Viewer,
        };
        let ApiKey { id, name, data_sources, created_at, expires_at, revoked_at, .. } = key;
        Key { id, name, role, data_sources, created_at, expires_at, revoked_at }
    }
}

/// All keys, revoked ones too, oldest first.
#[utoipa::path(get, path = "/keys", tag = "keys", responses((status = 200, description = "the keys", body = Keys)))]
async fn list(State(app): State<App>, caller: Caller) -> Result<axum::Json<Keys>> {
    manages_keys(&caller)?;
    let keys = app.engine.keys().await?;
    Ok(axum::Json(Keys { result: keys.into_iter().map(Key::from).collect() }))
}

/// Makes a key. The answer has it; nobody can ask for it again.
#[utoipa::path(post, path = "/keys", tag = "keys", request_body = KeyRequest,
    responses((status = 201, description = "the key", body = CreatedKey)))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(request): Json<KeyRequest>,
) -> Result<impl IntoResponse> {
    manages_keys(&caller)?;
    let role = match request.role {
        KeyRole::Admin => Role::Admin,
        KeyRole::Viewer => Role::Viewer,
    };
    let KeyRequest { name, data_sources, data_source, expires_at, .. } = request;
    let data_sources = match (data_sources, data_source) {
        (Some(_), Some(_)) => {
            let message = "\"data_source\" and \"data_sources\" say the same; send one of the two";
            return Err(ApiError::invalid("data_source", message));
        }
        (None, Some(only)) => Some(vec![only]),
        (data_sources, None) => data_sources,
    };
    if expires_at.is_some_and(|at| at <= app.now()) {
        return Err(ApiError::invalid(
            "expires_at",
            "\"expires_at\" is in the past; name an instant to come",
        ));
    }
    let new = NewKey { name, role, data_sources, expires_at };
    let (about, key) = app.engine.create_key(&new, app.random()?).await?;
    Ok((StatusCode::CREATED, axum::Json(CreatedKey { about: about.into(), key })))
}

/// Ends a key, within a second everywhere.
#[utoipa::path(delete, path = "/keys/{id}", tag = "keys", params(("id" = String, Path, description = "the key's id")),
    responses((status = 200, description = "the key, revoked", body = Key),
              (status = 404, description = "no such key", body = ErrorBody)))]
async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Key>> {
    manages_keys(&caller)?;
    match app.engine.revoke_key(&id).await? {
        Some(key) => Ok(axum::Json(key.into())),
        None => Err(ApiError::not_found(
            "key_not_found",
            format!("there is no key \"{id}\"; GET /v1/keys lists them"),
        )),
    }
}

/// A restricted key must not make one that sees more.
fn manages_keys(caller: &Caller) -> Result<()> {
    caller.require_admin()?;
    caller.require_all_sources()
}
