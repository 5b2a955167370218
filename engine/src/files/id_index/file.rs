//! One file of the id index: a search by key over its row groups, each passed over where its range
//! or its Bloom filter says so.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, AsArray, FixedSizeBinaryArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::Int64Type;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::bloom_filter::Sbbf;
use parquet::data_type::FixedLenByteArray;
use parquet::file::statistics::Statistics;
use quick_cache::Weighter;
use quick_cache::sync::Cache as QuickCache;

use super::{Key, KnownId};
use crate::error::{Error, Result};

/// Decoded row groups by file and number.
pub(super) type Cache = QuickCache<(PathBuf, usize), Arc<RecordBatch>, ByBytes>;

#[derive(Debug, Clone)]
pub(super) struct ByBytes;

impl Weighter<(PathBuf, usize), Arc<RecordBatch>> for ByBytes {
    fn weight(&self, _group: &(PathBuf, usize), rows: &Arc<RecordBatch>) -> u64 {
        rows.get_array_memory_size() as u64
    }
}

pub(super) fn cache(bytes: u64) -> Cache {
    const GROUP_BYTES: u64 = 512 * 1024;
    Cache::with_weighter((bytes / GROUP_BYTES) as usize, bytes, ByBytes)
}

/// An opened file; its Bloom filters are read when they are first asked.
#[derive(Debug)]
pub(super) struct IdFile {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    first: Key,
    last: Key,
    bloom: OnceLock<Option<Sbbf>>,
}

impl IdFile {
    pub(super) fn open(path: &Path) -> Result<IdFile> {
        let file = File::open(path).map_err(Error::file("open", path))?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
        let groups = metadata.metadata().row_groups().iter().map(|group| {
            let (first, last) =
                range(group.column(0).statistics()).unwrap_or((Key([0; 16]), Key([0xff; 16])));
            Group { first, last, bloom: OnceLock::new() }
        });
        let groups = groups.collect();
        Ok(IdFile { path: path.to_path_buf(), metadata, groups })
    }

    /// Puts what is known of these rising keys where it is newer than what was found before.
    pub(super) fn find(
        &self,
        keys: &[Key],
        cache: &Cache,
        found: &mut [Option<KnownId>],
    ) -> Result<()> {
        let mut at = 0;
        for (number, group) in self.groups.iter().enumerate() {
            at += keys[at..].partition_point(|key| *key < group.first);
            let end = at + keys[at..].partition_point(|key| *key <= group.last);
            let mut rows = None;
            for place in at..end {
                if !self.may_hold(number, &keys[place])? {
                    continue;
                }
                let rows = match &mut rows {
                    Some(rows) => rows,
                    None => rows.insert(self.rows(number, cache)?),
                };
                if let Some(known) = known(rows, &keys[place])
                    && found[place].as_ref().is_none_or(|other| other.sequence < known.sequence)
                {
                    found[place] = Some(known);
                }
            }
            at = end;
        }
        Ok(())
    }

    fn may_hold(&self, number: usize, key: &Key) -> Result<bool> {
        let group = &self.groups[number];
        let bloom = match group.bloom.get() {
            Some(bloom) => bloom,
            None => {
                let column = self.metadata.metadata().row_group(number).column(0);
                let bloom = Sbbf::read_from_column_chunk(column, &self.reopened()?)?;
                group.bloom.get_or_init(|| bloom)
            }
        };
        Ok(bloom.as_ref().is_none_or(|bloom| bloom.check(&FixedLenByteArray::from(key.0.to_vec()))))
    }

    /// A handle of its own for each read: clones of one would share its position.
    fn reopened(&self) -> Result<File> {
        File::open(&self.path).map_err(Error::file("open", &self.path))
    }

    fn rows(&self, number: usize, cache: &Cache) -> Result<Arc<RecordBatch>> {
        let place = (self.path.clone(), number);
        if let Some(rows) = cache.get(&place) {
            return Ok(rows);
        }
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.reopened()?,
            self.metadata.clone(),
        )
        .with_row_groups(vec![number])
        .build()?;
        let batches = reader.collect::<std::result::Result<Vec<_>, _>>()?;
        let rows = Arc::new(concat_batches(self.metadata.schema(), &batches)?);
        cache.insert(place, Arc::clone(&rows));
        Ok(rows)
    }
}

fn range(statistics: Option<&Statistics>) -> Option<(Key, Key)> {
    let Some(Statistics::FixedLenByteArray(statistics)) = statistics else { return None };
    let key = |value: Option<&FixedLenByteArray>| value?.data().try_into().ok().map(Key);
    Some((key(statistics.min_opt())?, key(statistics.max_opt())?))
}

/// The row of a key among rows sorted by it.
fn known(rows: &RecordBatch, key: &Key) -> Option<KnownId> {
    let keys = rows.column(0).as_fixed_size_binary_opt()?;
    let row = place_of(keys, key)?;
    let text = |column: usize| {
        let column = rows.column(column).as_string_opt::<i32>()?;
        column.is_valid(row).then(|| column.value(row).to_string())
    };
    Some(KnownId {
        sequence: rows.column(1).as_primitive_opt::<Int64Type>()?.value(row),
        hash: rows.column(2).as_fixed_size_binary_opt()?.value(row).try_into().ok()?,
        deleted: rows.column(3).as_boolean_opt()?.value(row),
        customer_id: text(4),
        currency: text(5),
    })
}

fn place_of(keys: &FixedSizeBinaryArray, key: &Key) -> Option<usize> {
    let (mut low, mut high) = (0, keys.len());
    while low < high {
        let middle = low + (high - low) / 2;
        match keys.value(middle).cmp(&key.0[..]) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Some(middle),
        }
    }
    None
}
