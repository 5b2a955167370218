//! Random bytes of the operating system.

use std::io;
use std::sync::Arc;

use mrrow_server::Random;

use crate::exit::Failure;

/// Unpredictable bytes, for keys and ids.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    fill(&mut bytes).map_err(|error| Failure::other(format!("read random bytes: {error}")))?;
    Ok(bytes)
}

/// The source of random bytes of a server.
pub(crate) fn source() -> Random {
    Arc::new(fill)
}

fn fill(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(|error| io::Error::other(error.to_string()))
}
