//! The key of an id: a hash that stands for (data source, id), and whose leading bits are a
//! customer's bucket.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryBuilder, RecordBatch};

use crate::error::Result;
use crate::tables::{HASH_BYTES, column};

/// The first 16 bytes of the BLAKE3 hash of (data source, id); no two ids in the world share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(pub(crate) [u8; 16]);

/// Values by their keys.
pub(crate) type ByKey<T> = HashMap<Key, T, BuildHasherDefault<KeyHasher>>;

/// A key is a hash already: its last bytes are taken for it as they are.
#[derive(Debug, Default)]
pub(crate) struct KeyHasher(u64);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [.., a, b, c, d, e, f, g, h] = self.0;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl Hasher for KeyHasher {
    fn write_u64(&mut self, bytes: u64) {
        self.0 = bytes;
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Key {
    pub(crate) fn of(data_source: &str, id: &str) -> Key {
        let mut hasher = blake3::Hasher::new();
        // The length goes first, so that no two pairs have one encoding.
        hasher.update(&(data_source.len() as u64).to_le_bytes());
        hasher.update(data_source.as_bytes());
        hasher.update(id.as_bytes());
        let mut key = [0; 16];
        key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Key(key)
    }

    /// The key in a value of a `_key` column, which has 16 bytes.
    pub(crate) fn from_slice(bytes: &[u8]) -> Key {
        let mut key = [0; 16];
        key.copy_from_slice(bytes);
        Key(key)
    }

    /// The key of each row's id.
    pub(crate) fn column(rows: &RecordBatch) -> Result<ArrayRef> {
        Key::column_of(column(rows, "data_source")?, column(rows, "id")?)
    }

    /// The key of each id, of the data source beside it.
    pub(crate) fn column_of(sources: &ArrayRef, ids: &ArrayRef) -> Result<ArrayRef> {
        let (sources, ids) = (sources.as_string::<i32>(), ids.as_string::<i32>());
        let mut keys = FixedSizeBinaryBuilder::with_capacity(ids.len(), HASH_BYTES);
        for row in 0..ids.len() {
            keys.append_value(Key::of(sources.value(row), ids.value(row)).0)?;
        }
        Ok(Arc::new(keys.finish()))
    }

    /// So many leading bits, at most 32.
    pub(crate) fn leading(self, bits: u32) -> u64 {
        let [first, second, third, fourth, ..] = self.0;
        u64::from(u32::from_be_bytes([first, second, third, fourth])) >> (32 - bits)
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn pairs_that_read_alike_have_different_keys() {
        assert_ne!(Key::of("a", "bc"), Key::of("ab", "c"));
        assert_eq!(Key::of("a", "bc"), Key::of("a", "bc"));
    }

    #[test]
    fn leading_bits_are_those_by_which_keys_are_sorted() {
        let key = Key([0b1010_0000, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(
            (key.leading(0), key.leading(1), key.leading(3), key.leading(8)),
            (0, 1, 5, 160)
        );
    }
}
