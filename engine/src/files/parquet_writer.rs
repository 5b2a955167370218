//! Writes the rows of a table as Parquet files, in buckets of customers.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{SortColumn, SortOptions, lexsort_to_indices, take_record_batch};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use super::data_files::{DataFileWriter, DataFiles};
use super::{Bucket, Directory, Layer, NewFile};
use crate::error::Result;
use crate::files::id_index::Key;
use crate::tables::{Table, TableKind, column};

/// Rows of a row group; a row group is the unit that statistics skip.
const ROW_GROUP_ROWS: usize = 64 * 1024;
/// Rows of a row group of the id index: what is read to find one id.
const ID_ROW_GROUP_ROWS: usize = 8 * 1024;
/// The share of absent ids for which a row group is read in vain.
const ID_FALSE_POSITIVES: f64 = 0.01;
/// A file is closed and the next begun at the first batch boundary past this.
pub(crate) const FILE_ROWS: i64 = 2 * 1024 * 1024;
/// A bucket is split above about so many rows.
const BUCKET_ROWS: u64 = 1024 * 1024;
/// The most leading bits that a bucket is named by.
const BUCKET_BITS_MAX: u32 = 8;

/// How many leading bits of a customer's hash name the bucket, in a table of so many rows.
pub(crate) fn bucket_bits(rows: u64) -> u32 {
    rows.div_ceil(BUCKET_ROWS).max(1).next_power_of_two().trailing_zeros().min(BUCKET_BITS_MAX)
}

/// Writes the rows of one table for one snapshot; they come in the table's order, and each bucket
/// of customers gets files of its own.
pub(crate) struct TableWriter {
    buckets: Vec<FileWriter>,
    bits: u32,
}

impl TableWriter {
    /// Begins the files of a table in the snapshot to come, in buckets of so many bits.
    pub(crate) fn new(
        directory: &Directory,
        table: Table,
        layer: Layer,
        bits: u32,
        snapshot: i64,
    ) -> TableWriter {
        // The id index is sorted by hash: it is one range after another already.
        let bits = if table.kind() == TableKind::IdIndex { 0 } else { bits };
        let buckets = (0..1 << bits).map(|number| FileWriter {
            files: directory.data_files().clone(),
            table,
            layer,
            bucket: Bucket { bits, number },
            snapshot,
            open: None,
            finished: Vec::new(),
        });
        TableWriter { buckets: buckets.collect(), bits }
    }

    /// Appends rows; nothing is visible before the catalog names the files.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let [writer] = self.buckets.as_mut_slice() else { return self.write_in_buckets(batch) };
        writer.write(batch)
    }

    fn write_in_buckets(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut rows_of_buckets = vec![Vec::new(); self.buckets.len()];
        for (row, bucket) in buckets_of_rows(batch, self.bits)?.into_iter().enumerate() {
            rows_of_buckets[bucket as usize].push(row as u32);
        }
        for (writer, rows) in self.buckets.iter_mut().zip(rows_of_buckets) {
            if !rows.is_empty() {
                writer.write(&take_record_batch(batch, &UInt32Array::from(rows))?)?;
            }
        }
        Ok(())
    }

    /// Makes the files durable and returns them for the catalog.
    pub(crate) fn finish(self) -> Result<Vec<NewFile>> {
        let mut files = Vec::new();
        for writer in self.buckets {
            files.extend(writer.finish()?);
        }
        Ok(files)
    }
}

/// The bucket of each row's customer; neighbours are mostly of one customer.
fn buckets_of_rows(batch: &RecordBatch, bits: u32) -> Result<Vec<u64>> {
    let sources = column(batch, "data_source")?.as_string::<i32>();
    let customers =
        column(batch, "customer_id").or_else(|_| column(batch, "id"))?.as_string::<i32>();
    let mut buckets = Vec::with_capacity(batch.num_rows());
    let mut before = None;
    for row in 0..batch.num_rows() {
        let customer = (sources.value(row), customers.value(row));
        let bucket = match before {
            Some((other, bucket)) if other == customer => bucket,
            _ => Key::of(customer.0, customer.1).leading(bits),
        };
        before = Some((customer, bucket));
        buckets.push(bucket);
    }
    Ok(buckets)
}

/// Writes the files of one bucket, as many as it takes.
struct FileWriter {
    files: DataFiles,
    table: Table,
    layer: Layer,
    bucket: Bucket,
    snapshot: i64,
    open: Option<OpenFile>,
    finished: Vec<NewFile>,
}

struct OpenFile {
    file: NewFile,
    writer: ArrowWriter<DataFileWriter>,
}

impl FileWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin()?,
        };
        open.writer.write(batch)?;
        open.file.rows += batch.num_rows() as i64;
        if let Some(supersedes) = batch.column_by_name("_supersedes") {
            open.file.superseded_rows += (supersedes.len() - supersedes.null_count()) as i64;
        }
        if open.file.rows >= FILE_ROWS {
            self.finish_file(open)?;
        } else {
            self.open = Some(open);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<NewFile>> {
        if let Some(file) = self.open.take() {
            self.finish_file(file)?;
        }
        if !self.finished.is_empty() {
            self.files.sync_names(self.table)?;
        }
        Ok(std::mem::take(&mut self.finished))
    }

    /// Removes the files of work that is given up.
    fn discard(&mut self) {
        self.open = None;
        let finished = std::mem::take(&mut self.finished);
        if let Err(error) = self.files.remove(finished.iter().map(|file| file.path.as_str())) {
            tracing::warn!(%error, "remove the files of a dropped write; the next writer does");
        }
    }

    fn begin(&self) -> Result<OpenFile> {
        let path = self.files.new_name(self.table, self.snapshot);
        let output = self.files.create(&path)?;
        let writer =
            ArrowWriter::try_new(output, self.table.schema(), Some(properties_of(self.table)))?;
        let (table, layer, bucket) = (self.table, self.layer, self.bucket);
        let file = NewFile { table, layer, bucket, path, rows: 0, bytes: 0, superseded_rows: 0 };
        Ok(OpenFile { file, writer })
    }

    fn finish_file(&mut self, open: OpenFile) -> Result<()> {
        let OpenFile { mut file, writer } = open;
        let bytes = writer.into_inner()?.finish()?;
        file.bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.finished.push(file);
        Ok(())
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        self.discard();
    }
}

/// How a Parquet file of ours is written; ZSTD level 1 is the fastest that still halves the bytes.
pub(crate) fn properties() -> WriterProperties {
    of_records().build()
}

fn of_records() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
}

/// A row group of the id index is small and has a Bloom filter, so that an id that is not there
/// costs no read.
fn properties_of(table: Table) -> WriterProperties {
    if table.kind() != TableKind::IdIndex {
        return properties();
    }
    let mut builder = of_records()
        .set_max_row_group_row_count(Some(ID_ROW_GROUP_ROWS))
        .set_column_bloom_filter_enabled(ColumnPath::from("_key"), true)
        .set_column_bloom_filter_fpp(ColumnPath::from("_key"), ID_FALSE_POSITIVES)
        .set_column_bloom_filter_max_ndv(ColumnPath::from("_key"), ID_ROW_GROUP_ROWS as u64);
    // Hashes do not compress.
    for column in ["_key", "_hash"] {
        builder = builder
            .set_column_dictionary_enabled(ColumnPath::from(column), false)
            .set_column_compression(ColumnPath::from(column), Compression::UNCOMPRESSED);
    }
    builder.build()
}

/// Rows in the order of these columns, nulls last.
pub(crate) fn sorted(rows: &RecordBatch, order: &[&str]) -> Result<RecordBatch> {
    let by = |name: &&str| -> Result<SortColumn> {
        let options = SortOptions { descending: false, nulls_first: false };
        Ok(SortColumn { values: Arc::clone(column(rows, name)?), options: Some(options) })
    };
    let by = order.iter().map(by).collect::<Result<Vec<_>>>()?;
    Ok(take_record_batch(rows, &lexsort_to_indices(&by, None)?)?)
}

#[cfg(test)]
mod tests {
    use super::bucket_bits;

    #[test]
    fn a_bucket_is_split_above_a_million_rows() {
        for (rows, bits) in [
            (0, 0),
            (1 << 20, 0),
            ((1 << 20) + 1, 1),
            (10_000_000, 4),
            (50_000_000, 6),
            (u64::MAX, 8),
        ] {
            assert_eq!(bucket_bits(rows), bits, "{rows}");
        }
    }
}
