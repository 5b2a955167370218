//! One file of the id index: a search by key over its row groups. A row group is skipped if its
//! range or its Bloom filter excludes the key.

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

use super::key::Key;
use super::known_id::KnownId;
use crate::cache::Cache;
use crate::error::Result;
use crate::files::DataFiles;

/// A cache of decoded row groups by file and number.
pub(super) type RowGroups = Cache<(Arc<str>, usize), Arc<RecordBatch>>;

/// A cache of row groups with at most so many bytes.
pub(super) fn cache_of(bytes: u64) -> RowGroups {
    const GROUP_BYTES: u64 = 512 * 1024;
    let groups = (bytes / GROUP_BYTES) as usize;
    Cache::weighted(bytes, groups, |_, rows: &Arc<RecordBatch>| rows.get_array_memory_size() as u64)
}

/// An open file. Each Bloom filter is read on first use.
#[derive(Debug)]
pub(super) struct IdFile {
    files: DataFiles,
    name: Arc<str>,
    metadata: ArrowReaderMetadata,
    groups: Vec<IdRowGroup>,
}

#[derive(Debug)]
struct IdRowGroup {
    first: Key,
    last: Key,
    bloom: OnceLock<Option<Sbbf>>,
}

impl IdFile {
    pub(super) fn open(files: &DataFiles, name: &str) -> Result<IdFile> {
        let file = files.open(name)?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
        let groups = metadata.metadata().row_groups().iter().map(|group| {
            let (first, last) =
                range(group.column(0).statistics()).unwrap_or((Key([0; 16]), Key([0xff; 16])));
            IdRowGroup { first, last, bloom: OnceLock::new() }
        });
        let groups = groups.collect();
        Ok(IdFile { files: files.clone(), name: Arc::from(name), metadata, groups })
    }

    /// Finds these rising keys, and keeps the newer one of each found version and the one before.
    pub(super) fn find(
        &self,
        keys: &[Key],
        cache: &RowGroups,
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
                let bloom = Sbbf::read_from_column_chunk(column, &self.files.open(&self.name)?)?;
                group.bloom.get_or_init(|| bloom)
            }
        };
        Ok(bloom.as_ref().is_none_or(|bloom| bloom.check(&FixedLenByteArray::from(key.0.to_vec()))))
    }

    fn rows(&self, number: usize, cache: &RowGroups) -> Result<Arc<RecordBatch>> {
        let place = (Arc::clone(&self.name), number);
        if let Some(rows) = cache.get(&place) {
            return Ok(rows);
        }
        let read = cache.begin_read();
        // Each read opens the file, because copies of a handle share its position.
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.files.open(&self.name)?,
            self.metadata.clone(),
        )
        .with_row_groups(vec![number])
        .build()?;
        let batches = reader.collect::<std::result::Result<Vec<_>, _>>()?;
        let rows = Arc::new(concat_batches(self.metadata.schema(), &batches)?);
        cache.insert(place, Arc::clone(&rows), read);
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
