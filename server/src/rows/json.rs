//! Rows as JSON objects or arrays.

use mrrow_engine::arrow::array::RecordBatch;
use mrrow_engine::arrow::error::ArrowError;
use mrrow_engine::arrow::json::writer::{NullableEncoder, make_encoder};

use super::decimals::json_options;

/// The JSON value of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonRow {
    /// An object with the column names as keys.
    Object,
    /// An array in the order of the columns.
    Array,
}

/// Appends rows to `out`, each but the first of the output after a separator.
pub(super) fn append_rows(
    rows: &RecordBatch,
    row: JsonRow,
    separator: &[u8],
    is_first: &mut bool,
    out: &mut Vec<u8>,
) -> Result<(), ArrowError> {
    let options = json_options();
    let schema = rows.schema();
    let mut encoders: Vec<NullableEncoder<'_>> = schema
        .fields()
        .iter()
        .zip(rows.columns())
        .map(|(field, column)| make_encoder(field, column.as_ref(), &options))
        .collect::<Result<_, _>>()?;
    let keys: Vec<String> =
        schema.fields().iter().map(|field| format!("{}:", json_string(field.name()))).collect();
    let (open, close) = if row == JsonRow::Object { (b'{', b'}') } else { (b'[', b']') };
    for at in 0..rows.num_rows() {
        if !std::mem::take(is_first) {
            out.extend_from_slice(separator);
        }
        out.push(open);
        for (column, encoder) in encoders.iter_mut().enumerate() {
            if column > 0 {
                out.push(b',');
            }
            if row == JsonRow::Object {
                out.extend_from_slice(keys[column].as_bytes());
            }
            match encoder.is_null(at) {
                true => out.extend_from_slice(b"null"),
                false => encoder.encode(at, out),
            }
        }
        out.push(close);
    }
    Ok(())
}

/// A text as a JSON string.
pub(crate) fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
