//! Compares staged rows of one type with the stored records: one pass for each range of keys, so
//! that memory is bounded.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, Int64Array, RecordBatch,
};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{Counts, ImportOptions};
use crate::error::{Error, Result};
use crate::files::{NewFile, TableWriter};
use crate::model::ObjectType;
use crate::records::{DiffResult, IncomingRows, Keep, RowStatus};
use crate::store::{SnapshotFiles, Store};
use crate::tables::column;

/// Rows compared in one pass.
const PASS_ROWS: u64 = 1024 * 1024;
const BATCH_ROWS: usize = 64 * 1024;

/// The staged rows of one type.
pub(super) struct Comparison {
    pub(super) object: ObjectType,
    pub(super) file: PathBuf,
    /// The positions of rejected rows.
    pub(super) rejected: HashSet<i64>,
    /// The sequence of the import's first row.
    pub(super) first_sequence: i64,
    /// The number of valid rows of the whole import.
    pub(super) rows: i64,
}

/// The result of the comparison, by row position (`_row`).
pub(super) struct RowVerdicts {
    pub(super) kept: BooleanBuffer,
    /// The rows that supersede a stored version, by position, with the sequence of that version.
    pub(super) supersedes: Vec<(i64, i64)>,
    pub(super) counts: Counts,
    pub(super) left_behind: BTreeSet<(String, String)>,
    /// The files of the id index; empty for a dry run.
    pub(super) files: Vec<NewFile>,
}

impl RowVerdicts {
    /// The sequence of the version that this row supersedes.
    pub(super) fn superseded_by(&self, row: i64) -> Option<i64> {
        let found = self.supersedes.binary_search_by_key(&row, |(row, _)| *row);
        found.ok().map(|at| self.supersedes[at].1)
    }
}

impl Comparison {
    /// Compares all rows; writes the retained ones to the id index if there is a writer for it.
    pub(super) fn run(
        &self,
        store: &Store,
        pinned: &SnapshotFiles,
        mut index: Option<TableWriter>,
        options: &ImportOptions,
    ) -> Result<RowVerdicts> {
        let mut kept = BooleanBufferBuilder::new(self.rows as usize);
        kept.append_n(self.rows as usize, false);
        let mut verdicts = RowVerdicts {
            kept: BooleanBuffer::new_unset(0),
            supersedes: Vec::new(),
            counts: Counts::default(),
            left_behind: BTreeSet::new(),
            files: Vec::new(),
        };
        let passes = rows_of(&self.file)?.div_ceil(PASS_ROWS).max(1);
        for pass in 0..passes {
            options.check_canceled()?;
            let rows = self.rows_of_pass(pass, passes)?;
            let incoming = IncomingRows::of(self.object, &rows)?;
            let compared = incoming
                .compare(Keep::Last, |keys| store.ids.find(&pinned.files, self.object, keys))?;
            self.note(&rows, &compared, &mut kept, &mut verdicts)?;
            if let Some(index) = &mut index {
                index.write(&incoming.id_rows(&compared.last)?)?;
            }
            verdicts.left_behind.extend(incoming.left_behind(&compared));
        }
        verdicts.kept = kept.finish();
        verdicts.supersedes.sort_unstable();
        verdicts.files = index.map(TableWriter::finish).transpose()?.unwrap_or_default();
        Ok(verdicts)
    }

    fn note(
        &self,
        rows: &RecordBatch,
        compared: &DiffResult,
        kept: &mut BooleanBufferBuilder,
        verdicts: &mut RowVerdicts,
    ) -> Result<()> {
        let sequences = column(rows, "_sequence")?.as_primitive::<Int64Type>().values();
        for (at, sequence) in sequences.iter().enumerate() {
            let row = sequence - self.first_sequence;
            verdicts.counts.accepted += 1;
            match compared.statuses[at] {
                RowStatus::Created => verdicts.counts.created += 1,
                RowStatus::Updated => verdicts.counts.updated += 1,
                _ => verdicts.counts.unchanged += 1,
            }
            if compared.kept[at] {
                kept.set_bit(row as usize, true);
            }
            if let Some(superseded) = compared.supersedes[at] {
                verdicts.supersedes.push((row, superseded));
            }
        }
        Ok(())
    }

    /// The compared columns of the rows whose keys are in the range of this pass.
    fn rows_of_pass(&self, pass: u64, passes: u64) -> Result<RecordBatch> {
        let file = File::open(&self.file).map_err(Error::file("open", &self.file))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
        let wanted = match self.object {
            ObjectType::Customers => vec!["data_source", "_key", "_hash", "_row"],
            ObjectType::Plans => vec!["data_source", "_key", "_hash", "_row", "currency"],
            ObjectType::Invoices => vec!["data_source", "_key", "_hash", "_row", "customer_id"],
        };
        let columns = ProjectionMask::columns(builder.parquet_schema(), wanted);
        let reader = builder.with_projection(columns).with_batch_size(BATCH_ROWS).build()?;
        let mut batches = Vec::new();
        let mut schema = None;
        for batch in reader {
            let batch = batch?;
            let batch = filter_record_batch(&batch, &self.is_of_pass(&batch, pass, passes)?)?;
            let batch = self.with_sequences(&batch)?;
            schema = Some(batch.schema());
            batches.push(batch);
        }
        let schema =
            schema.ok_or_else(|| Error::Internal("a staged file has no rows".to_string()))?;
        Ok(concat_batches(&schema, &batches)?)
    }

    fn is_of_pass(&self, rows: &RecordBatch, pass: u64, passes: u64) -> Result<BooleanArray> {
        let keys = column(rows, "_key")?.as_fixed_size_binary();
        let places = column(rows, "_row")?.as_primitive::<Int64Type>();
        let is_of_pass = |row: usize| {
            let key = keys.value(row);
            let leading = u64::from(u32::from_be_bytes([key[0], key[1], key[2], key[3]]));
            (leading * passes) >> 32 == pass && !self.rejected.contains(&places.value(row))
        };
        Ok((0..rows.num_rows()).map(|row| Some(is_of_pass(row))).collect())
    }

    fn with_sequences(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let places = column(rows, "_row")?.as_primitive::<Int64Type>();
        let sequences = Int64Array::from_iter_values(
            places.values().iter().map(|row| self.first_sequence + row),
        );
        let mut fields = rows.schema().fields().to_vec();
        fields.push(Arc::new(Field::new("_sequence", DataType::Int64, false)));
        fields.push(Arc::new(Field::new("_deleted", DataType::Boolean, false)));
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        columns.push(Arc::new(sequences));
        columns.push(Arc::new(BooleanArray::from(vec![false; places.len()])));
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
    }
}

fn rows_of(file: &Path) -> Result<u64> {
    let opened = File::open(file).map_err(Error::file("open", file))?;
    let rows =
        ParquetRecordBatchReaderBuilder::try_new(opened)?.metadata().file_metadata().num_rows();
    Ok(u64::try_from(rows).unwrap_or(0))
}
