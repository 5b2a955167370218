//! The header `Idempotency-Key`: a repeated request gets the first response and changes nothing.

use axum::http::HeaderMap;
use axum::http::header::HeaderName;
use mrrow_engine::push::IdempotencyKey;
use sha2::{Digest, Sha256};

use super::caller::Caller;
use crate::error::{ApiError, Result};

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The header of a repeated response.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The longest key.
const KEY_BYTES_MAX: usize = 255;

/// The idempotency key of a request, if it has one. Its scope is the caller's key and `operation`;
/// `content` is everything that two repetitions have in common.
pub(crate) fn idempotency(
    headers: &HeaderMap,
    caller: &Caller,
    operation: &str,
    content: &[&[u8]],
) -> Result<Option<IdempotencyKey>> {
    let Some(header) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = header.to_str().unwrap_or_default();
    if key.is_empty()
        || key.len() > KEY_BYTES_MAX
        || headers.get_all(IDEMPOTENCY_KEY).iter().count() > 1
    {
        let message = format!(
            "the header Idempotency-Key has 1 to {KEY_BYTES_MAX} printable ASCII characters, once"
        );
        return Err(ApiError::invalid("Idempotency-Key", message));
    }
    let mut fingerprint = Sha256::new();
    for part in content {
        // The length goes first, so that no two requests have one encoding.
        fingerprint.update((part.len() as u64).to_le_bytes());
        fingerprint.update(part);
    }
    Ok(Some(IdempotencyKey {
        scope: format!("{} {operation}", caller.key.id),
        key: key.to_string(),
        fingerprint: fingerprint.finalize().into(),
    }))
}
