//! The one reason to refuse an invoice that is not in the invoice itself: nobody knows its customer.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;

use super::{Code, FieldError, Rejection};
use crate::error::Result;
use crate::model::{ObjectType, column, field_names};

/// Why an invoice of an unknown customer is rejected.
pub(crate) fn unknown_customer(invoices: &RecordBatch, row: usize, line: Option<u64>) -> Result<Rejection> {
    let text = |name: &str| column(invoices, name).map(|texts| texts.as_string::<i32>().value(row).to_string());
    let customer = text("customer_id")?;
    let error = FieldError {
        pointer: "/customer_id".to_string(),
        code: Code::CustomerNotFound,
        message: format!("no customer \"{customer}\" is stored or sent with it; send the customer too"),
        value: Some(Value::String(customer).to_string()),
    };
    Ok(Rejection {
        object: Some(ObjectType::Invoices),
        line,
        id: Some(text("id")?),
        errors: vec![error],
        original: as_json(invoices, row)?,
    })
}

/// A decoded row as JSON; the bytes it came in are gone, its content is not.
fn as_json(batch: &RecordBatch, row: usize) -> Result<String> {
    let mut fields = serde_json::Map::new();
    for name in field_names(ObjectType::Invoices) {
        let values = column(batch, name)?;
        if values.is_null(row) {
            continue;
        }
        let text = ArrayFormatter::try_new(values, &FormatOptions::default())?.value(row).to_string();
        let value = match values.data_type() {
            DataType::Int64 => Value::from(values.as_primitive::<Int64Type>().value(row)),
            DataType::Boolean => Value::from(values.as_boolean().value(row)),
            DataType::Timestamp(..) if column(batch, &format!("{name}_zoned"))?.as_boolean().value(row) => {
                Value::from(text + "Z")
            }
            _ => Value::from(text),
        };
        fields.insert((*name).to_string(), value);
    }
    Ok(Value::Object(fields).to_string())
}
