//! Sorts the new and changed rows into the table's order and writes them with the system columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, TimestampMicrosecondArray,
};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Int64Type};
use chrono::{DateTime, Utc};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::{DataFrame, ident};
use futures::TryStreamExt;

use crate::error::Result;
use crate::files::{NewFile, TableWriter};
use crate::mrr::Customers;
use crate::sessions::parquet_table;
use crate::store::Store;
use crate::tables::Table;
use crate::tables::column;
use crate::write::import::compare::{Comparison, RowVerdicts};
use crate::write::import::staging::staged_schema;

/// Writes the new and changed rows of one type and collects their customers if requested.
pub(super) async fn write(
    store: &Store,
    comparison: &Comparison,
    verdicts: &RowVerdicts,
    received_at: DateTime<Utc>,
    mut writer: TableWriter,
    mut changed: Option<&mut Customers>,
) -> Result<Vec<NewFile>> {
    let mut rows = kept(store, comparison, verdicts)?.execute_stream().await?;
    while let Some(batch) = rows.try_next().await? {
        let stored = stored(&batch, comparison, verdicts, received_at)?;
        if let Some(changed) = &mut changed {
            changed.add_named(comparison.object, &stored)?;
        }
        writer.write(&stored)?;
    }
    writer.finish()
}

fn kept(store: &Store, comparison: &Comparison, verdicts: &RowVerdicts) -> Result<DataFrame> {
    let context = store.sessions.parallel()?;
    let schema = staged_schema(comparison.object);
    let staged =
        context.read_table(parquet_table(std::slice::from_ref(&comparison.file), schema, &[])?)?;
    let order = Table::Records(comparison.object).order();
    Ok(staged
        .filter(is_kept(&verdicts.kept).call(vec![ident("_row")]))?
        .sort(order.iter().map(|column| ident(*column).sort(true, false)).collect())?)
}

/// The rows in the columns of the stored table.
fn stored(
    rows: &RecordBatch,
    comparison: &Comparison,
    verdicts: &RowVerdicts,
    received_at: DateTime<Utc>,
) -> Result<RecordBatch> {
    let places = column(rows, "_row")?.as_primitive::<Int64Type>();
    let schema = Table::Records(comparison.object).schema();
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        columns.push(match field.name().as_str() {
            "_sequence" => {
                let sequences = places.values().iter().map(|row| comparison.first_sequence + row);
                Arc::new(Int64Array::from_iter_values(sequences))
            }
            "_received_at" => {
                let received_at = vec![received_at.timestamp_micros(); rows.num_rows()];
                Arc::new(TimestampMicrosecondArray::from(received_at).with_timezone("UTC"))
            }
            "_deleted" => Arc::new(BooleanArray::from(vec![false; rows.num_rows()])),
            "_supersedes" => {
                let superseded = places.values().iter().map(|row| verdicts.superseded_by(*row));
                Arc::new(superseded.collect::<Int64Array>())
            }
            name => Arc::clone(column(rows, name)?),
        });
    }
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// A function that returns whether the row at a position is written.
fn is_kept(kept: &BooleanBuffer) -> ScalarUDF {
    let kept = kept.clone();
    let lookup = move |arguments: &[ColumnarValue]| {
        let places = ColumnarValue::values_to_arrays(arguments)?;
        let places = places[0].as_primitive::<Int64Type>();
        let kept: BooleanArray = places
            .iter()
            .map(|row| Some(row.is_some_and(|row| kept.value(row as usize))))
            .collect();
        Ok(ColumnarValue::Array(Arc::new(kept)))
    };
    create_udf(
        "is_kept",
        vec![DataType::Int64],
        DataType::Boolean,
        Volatility::Immutable,
        Arc::new(lookup),
    )
}
