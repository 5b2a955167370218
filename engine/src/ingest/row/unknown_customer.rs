//! The rejection of an invoice whose customer is unknown: the only one that depends on other
//! records.

use arrow::array::{AsArray, RecordBatch};

use crate::error::{Error, Result};
use crate::ingest::{Code, FieldError, Rejection, record_fields};
use crate::model::ObjectType;
use crate::tables::column;

/// The rejection of an invoice of an unknown customer.
pub(crate) fn unknown_customer(
    invoices: &RecordBatch,
    row: usize,
    line: Option<u64>,
) -> Result<Rejection> {
    let text = |name: &str| {
        column(invoices, name).map(|texts| texts.as_string::<i32>().value(row).to_string())
    };
    let customer = text("customer_id")?;
    let error = FieldError {
        pointer: "/customer_id".to_string(),
        code: Code::CustomerNotFound,
        message: format!(
            "no customer \"{customer}\" is stored or sent with it; send the customer too"
        ),
        value: Some(customer),
    };
    Ok(Rejection {
        object: Some(ObjectType::Invoices),
        line,
        index: None,
        id: Some(text("id")?),
        errors: vec![error],
        original: as_json(invoices, row)?,
    })
}

/// A decoded row as JSON; the original bytes are gone, the content is not.
fn as_json(batch: &RecordBatch, row: usize) -> Result<String> {
    let fields = record_fields(ObjectType::Invoices, batch, row)?;
    serde_json::to_string(&fields)
        .map_err(|error| Error::Internal(format!("write an invoice: {error}")))
}
