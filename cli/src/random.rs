//! The system's own randomness.

use std::io;
use std::sync::Arc;

use mrrow_server::Random;

use crate::exit::Failure;

/// Bytes that nobody can guess.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    fill(&mut bytes).map_err(|error| Failure::other(format!("read randomness: {error}")))?;
    Ok(bytes)
}

/// The same, for as long as a server runs.
pub(crate) fn source() -> Random {
    Arc::new(fill)
}

fn fill(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(|error| io::Error::other(error.to_string()))
}
