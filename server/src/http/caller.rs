//! Who calls: the key of a request, and what it may do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use mrrow_engine::access::{ApiKey, Role};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::error::{ApiError, Result};

/// How long a key is taken for what it was when it was last looked up.
const KNOWN_FOR: Duration = Duration::from_secs(1);

/// Keys that are remembered at once.
const KNOWN_MAX: usize = 10_000;

/// The caller of a request, with a key that is valid.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) key: ApiKey,
}

/// The public id of the key of a request, which is found out while it is answered; for the log.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyId(Arc<OnceLock<String>>);

impl KeyId {
    /// None when no valid key was asked for or sent.
    pub(crate) fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

impl Caller {
    /// Refuses whoever may only read.
    pub(crate) fn require_admin(&self) -> Result<()> {
        match self.key.role {
            Role::Admin => Ok(()),
            Role::Viewer => Err(ApiError::forbidden(
                "this key has the role viewer, which only reads; use an admin key",
            )),
        }
    }

    /// Refuses whoever is restricted to some data sources: what is asked for is of all of them.
    pub(crate) fn require_all_sources(&self) -> Result<()> {
        match &self.key.data_sources {
            None => Ok(()),
            Some(_) => Err(ApiError::forbidden(
                "this key is restricted to some data sources; use one for all of them",
            )),
        }
    }

    /// Refuses whoever may not see a data source.
    pub(crate) fn require_source(&self, id: &str) -> Result<()> {
        if self.key.sees(id) {
            return Ok(());
        }
        Err(ApiError::forbidden(format!(
            "this key is restricted to other data sources than \"{id}\""
        )))
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Caller> {
        const REMEDY: &str =
            "send the header \"Authorization: Bearer KEY\"; \"mrrow keys create\" makes a key";
        let mut sent = parts.headers.get_all(AUTHORIZATION).iter();
        let (Some(header), None) = (sent.next(), sent.next()) else {
            return Err(ApiError::unauthorized(&format!("an API key is needed: {REMEDY}")));
        };
        let text = header.to_str().ok().and_then(bearer);
        let text = text.ok_or_else(|| {
            ApiError::unauthorized(&format!(
                "the header Authorization is not one of ours: {REMEDY}"
            ))
        })?;
        let key = app.known_keys.find(app, text).await?;
        let key = key.filter(|key| key.is_valid_at(app.now())).ok_or_else(|| {
            ApiError::unauthorized(
                "the API key is unknown, revoked or expired; \"mrrow keys list\" shows those there are",
            )
        })?;
        if let Some(KeyId(id)) = parts.extensions.get() {
            // Another extractor of the same request has found the same.
            let _ = id.set(key.id.clone());
        }
        Ok(Caller { key })
    }
}

/// The key in a header; the scheme's case does not matter (RFC 9110 §11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !key.trim().is_empty()).then(|| key.trim())
}

/// Keys that were looked up a moment ago.
#[derive(Default)]
pub(crate) struct KnownKeys(Mutex<HashMap<[u8; 32], (ApiKey, Instant)>>);

impl KnownKeys {
    async fn find(&self, app: &App, text: &str) -> Result<Option<ApiKey>> {
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let now = Instant::now();
        {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((key, _)) =
                known.get(&hash).filter(|(_, at)| now.duration_since(*at) < KNOWN_FOR)
            {
                return Ok(Some(key.clone()));
            }
        }
        let found = app.engine.key_of(text).await?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        match &found {
            Some(key) => known.insert(hash, (key.clone(), now)),
            None => known.remove(&hash),
        };
        Ok(found)
    }
}
