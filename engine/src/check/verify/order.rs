//! Are the rows of every file in the order that its table promises? Queries rely on it and do not
//! sort again.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::compute::SortOptions;
use arrow::row::{OwnedRow, RowConverter, SortField};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::error::Result;
use crate::store::{SnapshotFiles, Store};
use crate::tables::column;

/// The files that are not sorted, as rows.
pub(super) fn unsorted_files(store: &Store, pinned: &SnapshotFiles) -> Result<Vec<RecordBatch>> {
    let mut unsorted = Vec::new();
    for file in pinned.files.iter() {
        let opened = store.directory.data_files().open(&file.path)?;
        if !is_sorted(opened, file.table.order())? {
            unsorted.push(file.path.as_str());
        }
    }
    if unsorted.is_empty() {
        return Ok(Vec::new());
    }
    let files: ArrayRef = Arc::new(StringArray::from(unsorted));
    Ok(vec![RecordBatch::try_from_iter([("file", files)])?])
}

fn is_sorted(file: File, order: &[&str]) -> Result<bool> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let columns = ProjectionMask::columns(builder.parquet_schema(), order.iter().copied());
    let options = SortOptions { descending: false, nulls_first: false };
    let schema = builder.schema();
    let mut fields = Vec::with_capacity(order.len());
    for name in order {
        let data_type = schema.field_with_name(name)?.data_type().clone();
        fields.push(SortField::new_with_options(data_type, options));
    }
    let converter = RowConverter::new(fields)?;
    let mut last: Option<OwnedRow> = None;
    for batch in builder.with_projection(columns).build()? {
        let batch = batch?;
        let keys =
            order.iter().map(|name| column(&batch, name).cloned()).collect::<Result<Vec<_>>>()?;
        let rows = converter.convert_columns(&keys)?;
        for row in &rows {
            if last.as_ref().is_some_and(|last| last.row() > row) {
                return Ok(false);
            }
            last = Some(row.owned());
        }
    }
    Ok(true)
}
