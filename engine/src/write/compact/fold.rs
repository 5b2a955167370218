//! Reads records and precomputed rows in order and writes them to new files.

use arrow::array::{Int64Array, RecordBatch};
use datafusion::prelude::{DataFrame, SessionContext, ident};
use futures::TryStreamExt;
use std::sync::Arc;

use crate::error::Result;
use crate::files::{DataFile, Layer, NewFile, TableWriter, bucket_bits};
use crate::model::ObjectType;
use crate::sessions::StoredTables;
use crate::store::{SnapshotFiles, Store};
use crate::tables::{Table, TableKind};

const SUPERSEDED_VERSIONS: &str = include_str!("../../../sql/tables/superseded_versions.sql");

/// Merges small files of one layer.
pub(super) async fn merge(
    store: &Store,
    table: Table,
    files: &[DataFile],
    layer: Layer,
) -> Result<Vec<NewFile>> {
    let context = store.sessions.in_order()?;
    let rows =
        StoredTables::of(&store.directory, files)?.in_order().stored(&context, table, &[layer])?;
    write(store, rows, table, layer, 0).await
}

/// Writes the current rows of a table as a new base.
pub(super) async fn current(
    store: &Store,
    pinned: &SnapshotFiles,
    table: Table,
    files: &[DataFile],
) -> Result<Vec<NewFile>> {
    let tables = StoredTables::of(&store.directory, files)?;
    let context = store.sessions.in_order()?;
    context.register_table(
        "current",
        tables.in_order().current(&store.sessions, table).await?.into_view(),
    )?;
    let bits = match table.kind() {
        TableKind::Versions(_) => bucket_bits(tables.rows(table)),
        // As many buckets as the invoices have.
        TableKind::PerCustomer => bucket_bits(
            StoredTables::of(&store.directory, &pinned.files)?
                .rows(Table::Records(ObjectType::Invoices)),
        ),
        TableKind::IdIndex => 0,
    };
    write(store, context.table("current").await?, table, Layer::Base, bits).await
}

/// Writes the superseded versions of a type to the history.
pub(super) async fn superseded(
    store: &Store,
    table: Table,
    files: &[DataFile],
) -> Result<Vec<NewFile>> {
    if files.iter().all(|file| file.superseded_rows == 0) {
        return Ok(Vec::new());
    }
    let tables = StoredTables::of(&store.directory, files)?;
    let context = store.sessions.parallel()?;
    register(&context, &tables, table)?;
    write(store, context.sql(SUPERSEDED_VERSIONS).await?, table, Layer::History, 0).await
}

fn register(context: &SessionContext, tables: &StoredTables, table: Table) -> Result<()> {
    let present = tables.stored(context, table, &[Layer::Base, Layer::Delta])?;
    context.register_table("versions", present.into_view())?;
    context.register_table("newer", tables.stored(context, table, &[Layer::Delta])?.into_view())?;
    Ok(())
}

async fn write(
    store: &Store,
    rows: DataFrame,
    table: Table,
    layer: Layer,
    bits: u32,
) -> Result<Vec<NewFile>> {
    let order = table.order().iter().map(|column| ident(*column).sort(true, false)).collect();
    let mut rows = rows.sort(order)?.execute_stream().await?;
    // The next snapshot names the file, or a later one.
    let snapshot = store.pinned().await?.info.id + 1;
    let mut writer = TableWriter::new(&store.directory, table, layer, bits, snapshot);
    while let Some(batch) = rows.try_next().await? {
        writer.write(&for_layer(batch, layer)?)?;
    }
    writer.finish()
}

/// In the base no row supersedes another.
fn for_layer(rows: RecordBatch, layer: Layer) -> Result<RecordBatch> {
    let Some((at, _)) =
        rows.schema().column_with_name("_supersedes").filter(|_| layer == Layer::Base)
    else {
        return Ok(rows);
    };
    let mut columns = rows.columns().to_vec();
    columns[at] = Arc::new(Int64Array::new_null(rows.num_rows()));
    Ok(RecordBatch::try_new(rows.schema(), columns)?)
}
