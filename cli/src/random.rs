//! The system's own randomness.

use crate::exit::Failure;

/// Bytes that nobody can guess.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Failure::other(format!("read randomness: {error}")))?;
    Ok(bytes)
}
