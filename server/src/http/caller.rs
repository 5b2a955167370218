//! The caller of a request: its API key, and what the key allows.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use mrrow_engine::Engine;
use mrrow_engine::access::{ApiKey, Role};
use mrrow_engine::cache::Cache;
use sha2::{Digest, Sha256};

use crate::error::{ApiError, Result};

/// The time after which a revoked key is refused.
const KEY_TTL: Duration = Duration::from_secs(1);

/// Keys in the cache.
const CACHED_KEYS_MAX: usize = 10_000;

/// The caller of a request, with a valid key.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) key: ApiKey,
}

/// The public id of a request's key, for the log. Empty until [`Caller`] is extracted.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyId(Arc<OnceLock<String>>);

/// Finds keys by their text, with a cache.
#[derive(Clone)]
pub(crate) struct KeyLookup {
    engine: Arc<Engine>,
    /// Keys by the hash of their text.
    cache: Arc<Cache<[u8; 32], ApiKey>>,
}

impl KeyId {
    /// None without a valid key.
    pub(crate) fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

impl Caller {
    /// Refuses keys that only read.
    pub(crate) fn require_admin(&self) -> Result<()> {
        match self.key.role {
            Role::Admin => Ok(()),
            Role::Viewer => Err(ApiError::forbidden(
                "this key has the role viewer, which only reads; use an admin key",
            )),
        }
    }

    /// Refuses keys that are restricted to some data sources.
    pub(crate) fn require_all_sources(&self) -> Result<()> {
        match &self.key.data_sources {
            None => Ok(()),
            Some(_) => Err(ApiError::forbidden(
                "this key is restricted to some data sources; use one for all of them",
            )),
        }
    }

    /// Refuses keys that do not reach a data source.
    pub(crate) fn require_source(&self, id: &str) -> Result<()> {
        if self.key.sees(id) {
            return Ok(());
        }
        Err(ApiError::forbidden(format!(
            "this key is restricted to other data sources than \"{id}\""
        )))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    KeyLookup: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Caller> {
        let lookup = KeyLookup::from_ref(state);
        let key = lookup.find(sent_key(parts)?).await?;
        let key = key.filter(|key| key.is_valid_at(lookup.engine.now())).ok_or_else(|| {
            ApiError::unauthorized(
                "the API key is unknown, revoked or expired; \"mrrow keys list\" shows all keys",
            )
        })?;
        if let Some(KeyId(id)) = parts.extensions.get() {
            // The caller may be extracted twice, with the same result.
            let _ = id.set(key.id.clone());
        }
        Ok(Caller { key })
    }
}

/// The text of the key that a request sends.
fn sent_key(parts: &Parts) -> Result<&str> {
    const REMEDY: &str =
        "send the header \"Authorization: Bearer KEY\"; \"mrrow keys create\" creates a key";
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (headers.next(), headers.next()) else {
        return Err(ApiError::unauthorized(&format!("an API key is needed: {REMEDY}")));
    };
    header.to_str().ok().and_then(bearer_token).ok_or_else(|| {
        ApiError::unauthorized(&format!("the header Authorization has another form: {REMEDY}"))
    })
}

/// The token in a header; the scheme's case does not matter (RFC 9110 §11.1).
fn bearer_token(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !key.trim().is_empty()).then(|| key.trim())
}

impl KeyLookup {
    pub(crate) fn new(engine: Arc<Engine>) -> KeyLookup {
        KeyLookup { engine, cache: Arc::new(Cache::new(CACHED_KEYS_MAX).with_ttl(KEY_TTL)) }
    }

    async fn find(&self, text: &str) -> Result<Option<ApiKey>> {
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        if let Some(key) = self.cache.get(&hash) {
            return Ok(Some(key));
        }
        let read = self.cache.begin_read();
        let key = self.engine.key_of(text).await?;
        if let Some(key) = &key {
            self.cache.insert(hash, key.clone(), read);
        }
        Ok(key)
    }
}
