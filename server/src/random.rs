//! Random bytes, passed in: only `main` reads them from the operating system.

use std::io;
use std::sync::Arc;

/// Fills bytes with unpredictable values.
pub type Random = Arc<dyn Fn(&mut [u8]) -> io::Result<()> + Send + Sync>;

/// Unpredictable bytes.
pub(crate) fn bytes<const N: usize>(random: &Random) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    random(&mut bytes)?;
    Ok(bytes)
}
