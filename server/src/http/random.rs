//! Random bytes for handlers.

use crate::error::{ApiError, Result};
use crate::random::{self, Random};

/// Unpredictable bytes; a failure is an internal error.
pub(crate) fn random_bytes<const N: usize>(random: &Random) -> Result<[u8; N]> {
    random::bytes(random).map_err(|error| ApiError::internal(format!("read randomness: {error}")))
}
