//! The header `Idempotency-Key`: a request that is sent again under it is not carried out again.

use axum::http::HeaderMap;
use axum::http::header::HeaderName;
use mrrow_engine::push::IdempotencyKey;
use sha2::{Digest, Sha256};

use crate::error::{ApiError, Result};
use crate::http::caller::Caller;

/// The header by which a client names a request.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The header of an answer that was given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The longest key.
const KEY_BYTES_MAX: usize = 255;

/// The key of a request, whose scope is the caller and what it is sent to; `says` is all that the
/// request says.
pub(crate) fn idempotency(
    headers: &HeaderMap,
    caller: &Caller,
    to: &str,
    says: &[&[u8]],
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
    for part in says {
        // The length goes first, so that no two requests have one encoding.
        fingerprint.update((part.len() as u64).to_le_bytes());
        fingerprint.update(part);
    }
    let scope = format!("{} {to}", caller.key.id);
    Ok(Some(IdempotencyKey {
        scope,
        key: key.to_string(),
        fingerprint: fingerprint.finalize().into(),
    }))
}
