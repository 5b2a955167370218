//! Lists and structs as JSON text, for formats without nested values.

use std::sync::Arc;

use mrrow_engine::arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use mrrow_engine::arrow::datatypes::{DataType, Field, FieldRef, Schema};
use mrrow_engine::arrow::error::ArrowError;
use mrrow_engine::arrow::json::writer::make_encoder;

use super::decimals::json_options;

/// The same rows with nested columns as JSON text.
pub(super) fn flatten(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = rows.schema();
    if schema.fields().iter().all(|field| !field.data_type().is_nested()) {
        return Ok(rows.clone());
    }
    let mut fields = Vec::with_capacity(schema.fields().len());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for (field, column) in schema.fields().iter().zip(rows.columns()) {
        if !field.data_type().is_nested() {
            fields.push(Arc::clone(field));
            columns.push(Arc::clone(column));
            continue;
        }
        fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
        columns.push(Arc::new(json_texts(field, column)?));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn json_texts(field: &FieldRef, column: &ArrayRef) -> Result<StringArray, ArrowError> {
    let options = json_options();
    let mut encoder = make_encoder(field, column.as_ref(), &options)?;
    let mut text = |row: usize| {
        let mut out = Vec::new();
        encoder.encode(row, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    };
    Ok((0..column.len()).map(|row| column.is_valid(row).then(|| text(row))).collect())
}
