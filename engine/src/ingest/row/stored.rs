//! A stored row as the object that a sender would send.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::model::ObjectType;
use crate::tables::{column, field_names};

/// The fields of a row that have a value, under the page's names. Reading them again gives the same
/// content.
pub(crate) fn record_fields(
    object: ObjectType,
    rows: &RecordBatch,
    row: usize,
) -> Result<BTreeMap<String, Box<RawValue>>> {
    let mut fields = BTreeMap::new();
    for name in field_names(object) {
        let values = column(rows, name)?;
        if values.is_null(row) {
            continue;
        }
        let text =
            ArrayFormatter::try_new(values, &FormatOptions::default())?.value(row).to_string();
        let json = match values.data_type() {
            DataType::Int64 => values.as_primitive::<Int64Type>().value(row).to_string(),
            DataType::Boolean => values.as_boolean().value(row).to_string(),
            DataType::Timestamp(..)
                if column(rows, &format!("{name}_zoned"))?.as_boolean().value(row) =>
            {
                Value::from(text + "Z").to_string()
            }
            // The column holds JSON.
            _ if *name == "metadata" => text,
            _ => Value::from(text).to_string(),
        };
        let json = RawValue::from_string(json).map_err(|error| {
            Error::Damaged(format!("the field \"{name}\" of a record is not JSON: {error}"))
        })?;
        fields.insert((*name).to_string(), json);
    }
    Ok(fields)
}
