//! Merges files of the id index; the result has each id once.

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::Int64Type;
use datafusion::prelude::ident;
use futures::TryStreamExt;

use crate::error::Result;
use crate::files::{DataFile, Layer, NewFile, TableWriter};
use crate::sessions::StoredTables;
use crate::store::Store;
use crate::tables::Table;
use crate::tables::column;

/// Merges files; a new base has no deleted ids.
pub(super) async fn merge(
    store: &Store,
    table: Table,
    files: &[DataFile],
    layer: Layer,
) -> Result<Vec<NewFile>> {
    let context = store.sessions.in_order()?;
    let tables = StoredTables::of(&store.directory, files)?.in_order();
    let rows = tables.stored(&context, table, &[Layer::Base, Layer::Delta])?;
    let mut rows = rows.sort(vec![ident("_key").sort(true, false)])?.execute_stream().await?;
    let snapshot = store.pinned().await?.info.id + 1;
    let mut writer = TableWriter::new(&store.directory, table, layer, 0, snapshot);
    // The rows of the last key; the next batch may have more of them.
    let mut rest: Option<RecordBatch> = None;
    while let Some(batch) = rows.try_next().await? {
        let batch = match rest.take() {
            Some(rest) => concat_batches(&batch.schema(), [&rest, &batch])?,
            None => batch,
        };
        let whole = start_of_last_key(&batch)?;
        writer.write(&newest(&batch.slice(0, whole), layer)?)?;
        rest = Some(batch.slice(whole, batch.num_rows() - whole));
    }
    if let Some(rest) = rest {
        writer.write(&newest(&rest, layer)?)?;
    }
    writer.finish()
}

fn start_of_last_key(rows: &RecordBatch) -> Result<usize> {
    let keys = column(rows, "_key")?.as_fixed_size_binary();
    let mut start = rows.num_rows();
    while start > 0 && keys.value(start - 1) == keys.value(rows.num_rows() - 1) {
        start -= 1;
    }
    Ok(start)
}

/// The row with the highest sequence of each key.
fn newest(rows: &RecordBatch, layer: Layer) -> Result<RecordBatch> {
    let keys = column(rows, "_key")?.as_fixed_size_binary();
    let sequences = column(rows, "_sequence")?.as_primitive::<Int64Type>();
    let deleted = column(rows, "_deleted")?.as_boolean();
    let mut is_newest = vec![false; rows.num_rows()];
    let mut start = 0;
    for row in 0..rows.num_rows() {
        if row + 1 < rows.num_rows() && keys.value(row + 1) == keys.value(row) {
            continue;
        }
        if let Some(newest) = (start..=row).max_by_key(|row| sequences.value(*row)) {
            is_newest[newest] = layer != Layer::Base || !deleted.value(newest);
        }
        start = row + 1;
    }
    Ok(filter_record_batch(rows, &BooleanArray::from(is_newest))?)
}
