//! The columns of the id index and of the tables that are computed from the records.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::columns::HASH_BYTES;

/// The columns of the id index.
pub(super) fn id_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("_key", DataType::FixedSizeBinary(HASH_BYTES), false),
        Field::new("_sequence", DataType::Int64, false),
        Field::new("_hash", DataType::FixedSizeBinary(HASH_BYTES), false),
        Field::new("_deleted", DataType::Boolean, false),
        // Of an invoice.
        text("customer_id", true),
        // Of a plan.
        text("currency", true),
    ]))
}

/// The columns of the lines of MRR.
pub(super) fn line_schema() -> SchemaRef {
    computed(vec![
        text("data_source", false),
        text("customer_id", false),
        text("subscription_id", true),
        text("currency", false),
        text("invoice_id", false),
        text("plan_id", true),
        text("rule", false),
        Field::new("start_on", DataType::Date32, false),
        Field::new("until_on", DataType::Date32, true),
        Field::new("mrr", DataType::Decimal128(24, 4), false),
        text("ended_by", true),
    ])
}

/// The columns of the movements.
pub(super) fn movement_schema() -> SchemaRef {
    computed(vec![
        Field::new("date", DataType::Date32, false),
        text("data_source", false),
        text("customer_id", false),
        text("currency", false),
        text("type", false),
        Field::new("amount", DataType::Decimal128(24, 4), false),
        Field::new("mrr_after", DataType::Decimal128(38, 4), false),
        text("cause", false),
        text("subtype", true),
        Field::new("voluntary", DataType::Boolean, true),
        Field::new("invoice_ids", DataType::new_list(DataType::Utf8, true), false),
    ])
}

/// The columns of the refreshes.
pub(super) fn refresh_schema() -> SchemaRef {
    computed(vec![
        text("data_source", false),
        text("customer_id", false),
        Field::new("recompute_on", DataType::Date32, true),
        Field::new("stable_since", DataType::Date32, true),
        // Why the rules fail for the customer, which then has neither lines nor movements.
        text("failure", true),
    ])
}

/// Computed rows carry the number of their refresh.
fn computed(mut fields: Vec<Field>) -> SchemaRef {
    fields.push(Field::new("_refresh", DataType::Int64, false));
    Arc::new(Schema::new(fields))
}

fn text(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Utf8, nullable)
}
