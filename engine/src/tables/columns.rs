//! The columns in which records are stored, in the push format's own field names.
//!
//! A date field is two columns: the time, and `…_zoned`: true when the sender gave a zone (the time
//! is then that instant in UTC), false when not (the time is then a wall clock reading, local in
//! the setting `timezone`, whatever that is now). Columns that begin with `_` are ours and hidden
//! from SQL.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::error::{Error, Result};
use crate::model::ObjectType;

/// Bytes of `_hash`: a truncated BLAKE3 of the row's content, equal exactly when nothing changed.
pub(crate) const HASH_BYTES: i32 = 16;

/// The columns of a valid record: `data_source`, its fields, then `_hash` (content).
pub(crate) fn record_schema(object: ObjectType) -> SchemaRef {
    static SCHEMAS: LazyLock<[SchemaRef; ObjectType::ALL.len()]> = LazyLock::new(|| {
        ObjectType::ALL.map(|object| Arc::new(Schema::new(record_columns(object))))
    });
    Arc::clone(&SCHEMAS[object as usize])
}

/// The columns in which versions of records are stored: those of [`record_schema`], of which a
/// tombstone has only the ids, then `_sequence` (unique, rising with each row received),
/// `_received_at` (microseconds UTC), `_deleted` (a tombstone), and `_supersedes`: the `_sequence`
/// of the version that this one takes the place of.
pub(crate) fn stored_schema(object: ObjectType) -> SchemaRef {
    static SCHEMAS: LazyLock<[SchemaRef; ObjectType::ALL.len()]> = LazyLock::new(|| {
        ObjectType::ALL.map(|object| Arc::new(Schema::new(stored_columns(object))))
    });
    Arc::clone(&SCHEMAS[object as usize])
}

/// A column that must be there.
pub(crate) fn column<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    rows.column_by_name(name)
        .ok_or_else(|| Error::Internal(format!("rows have no column \"{name}\"")))
}

/// The fields of a type as a sender names them.
pub(crate) fn field_names(object: ObjectType) -> &'static [&'static str] {
    match object {
        ObjectType::Customers => {
            &["id", "name", "email", "created", "country", "state", "trial_started", "metadata"]
        }
        ObjectType::Plans => {
            &["id", "name", "interval", "interval_count", "currency", "plan_group", "product_name"]
        }
        ObjectType::Invoices => &[
            "id",
            "customer_id",
            "type",
            "invoice_date",
            "amount",
            "currency",
            "plan_id",
            "subscription_id",
            "period_start",
            "period_end",
            "proration",
            "quantity",
            "discount",
        ],
    }
}

/// The fields that must be there and not empty.
pub(crate) fn required_fields(object: ObjectType) -> &'static [&'static str] {
    match object {
        ObjectType::Customers => &["id", "name"],
        ObjectType::Plans => &["id", "name", "interval", "interval_count", "currency"],
        ObjectType::Invoices => {
            &["id", "customer_id", "type", "invoice_date", "amount", "currency"]
        }
    }
}

fn record_columns(object: ObjectType) -> Vec<Field> {
    let mut fields = vec![text("data_source", false)];
    fields.extend(match object {
        ObjectType::Customers => customer_columns(),
        ObjectType::Plans => plan_columns(),
        ObjectType::Invoices => invoice_columns(),
    });
    fields.push(Field::new("_hash", DataType::FixedSizeBinary(HASH_BYTES), false));
    fields
}

fn stored_columns(object: ObjectType) -> Vec<Field> {
    let ids = ["data_source", "id", "_hash"];
    let mut fields: Vec<Field> = record_columns(object)
        .into_iter()
        .map(|field| {
            let is_id = ids.contains(&field.name().as_str());
            field.with_nullable(!is_id)
        })
        .collect();
    fields.push(whole("_sequence", false));
    fields.push(Field::new(
        "_received_at",
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        false,
    ));
    fields.push(Field::new("_deleted", DataType::Boolean, false));
    fields.push(whole("_supersedes", true));
    fields
}

fn customer_columns() -> Vec<Field> {
    let mut fields = vec![text("id", false), text("name", false), text("email", true)];
    fields.extend(date("created", true));
    fields.extend([text("country", true), text("state", true)]);
    fields.extend(date("trial_started", true));
    fields.push(text("metadata", true));
    fields
}

fn plan_columns() -> Vec<Field> {
    vec![
        text("id", false),
        text("name", false),
        text("interval", false),
        whole("interval_count", false),
        text("currency", false),
        text("plan_group", true),
        text("product_name", true),
    ]
}

fn invoice_columns() -> Vec<Field> {
    let mut fields = vec![text("id", false), text("customer_id", false), text("type", false)];
    fields.extend(date("invoice_date", false));
    fields.extend([
        whole("amount", false),
        text("currency", false),
        text("plan_id", true),
        text("subscription_id", true),
    ]);
    fields.extend(date("period_start", true));
    fields.extend(date("period_end", true));
    fields.push(Field::new("proration", DataType::Boolean, true));
    fields.extend([whole("quantity", true), whole("discount", true)]);
    fields
}

fn text(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Utf8, nullable)
}

fn whole(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Int64, nullable)
}

fn date(name: &str, nullable: bool) -> [Field; 2] {
    [
        Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, None), nullable),
        Field::new(format!("{name}_zoned"), DataType::Boolean, nullable),
    ]
}
