//! Columns as text forms need them: decimals as strings, lists as JSON where the form has none.

use std::sync::Arc;

use mrrow_engine::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use mrrow_engine::arrow::compute::cast;
use mrrow_engine::arrow::datatypes::{DataType, Field, Schema};
use mrrow_engine::arrow::error::ArrowError;
use mrrow_engine::arrow::util::display::{ArrayFormatter, FormatOptions};

/// JSON numbers are floats to many readers, so decimals are strings.
pub(super) fn for_json(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    with_columns(batch, |column| match column.data_type() {
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => cast(column, &DataType::Utf8),
        _ => Ok(Arc::clone(column)),
    })
}

/// CSV has no nested values: they are written as JSON.
pub(super) fn for_csv(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    with_columns(batch, |column| {
        if !column.data_type().is_nested() {
            return Ok(Arc::clone(column));
        }
        let values: Vec<String> =
            (0..column.len()).map(|row| nested(column, row)).collect::<Result<_, _>>()?;
        Ok(Arc::new(StringArray::from(values)))
    })
}

/// One value as text: a list of strings as JSON, anything else as Arrow shows it.
pub(super) fn nested(column: &ArrayRef, row: usize) -> Result<String, ArrowError> {
    if column.is_null(row) {
        return Ok(String::new());
    }
    if let Some(list) = column.as_list_opt::<i32>()
        && let Some(texts) = list.value(row).as_string_opt::<i32>()
    {
        let texts: Vec<Option<&str>> = texts.iter().collect();
        return serde_json::to_string(&texts)
            .map_err(|error| ArrowError::ExternalError(Box::new(error)));
    }
    let formatter = ArrayFormatter::try_new(column, &FormatOptions::default())?;
    Ok(formatter.value(row).to_string())
}

fn with_columns(
    batch: &RecordBatch,
    convert: impl Fn(&ArrayRef) -> Result<ArrayRef, ArrowError>,
) -> Result<RecordBatch, ArrowError> {
    let columns: Vec<ArrayRef> = batch.columns().iter().map(convert).collect::<Result<_, _>>()?;
    let fields: Vec<Field> = batch
        .schema()
        .fields()
        .iter()
        .zip(&columns)
        .map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}
