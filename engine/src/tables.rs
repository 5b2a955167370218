//! The stored tables: the records of each type, the index of their ids, and what is precomputed
//! from them.

mod columns;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use crate::model::ObjectType;

pub(crate) use columns::{
    HASH_BYTES, column, field_names, record_schema, required_fields, stored_schema,
};

/// A table of the store; its name is that of its directory and in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Table {
    /// Versions of the records of a type, tombstones among them.
    Records(ObjectType),
    /// The id index of a type: what is known of the last version of each id.
    Ids(ObjectType),
    /// Every line, with its rule and invoice.
    Lines,
    /// Every movement, also those after `as_of`.
    Movements,
    /// Which customers were computed by which refresh, and for which `as_of` its answer holds.
    Refreshes,
}

impl Table {
    pub(crate) const ALL: [Table; 9] = [
        Table::Records(ObjectType::Customers),
        Table::Records(ObjectType::Plans),
        Table::Records(ObjectType::Invoices),
        Table::Ids(ObjectType::Customers),
        Table::Ids(ObjectType::Plans),
        Table::Ids(ObjectType::Invoices),
        Table::Lines,
        Table::Movements,
        Table::Refreshes,
    ];

    /// The tables that a refresh writes.
    pub(crate) const PRECOMPUTED: [Table; 3] = [Table::Lines, Table::Movements, Table::Refreshes];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Table::Records(object) => object.name(),
            Table::Ids(ObjectType::Customers) => "customer_ids",
            Table::Ids(ObjectType::Plans) => "plan_ids",
            Table::Ids(ObjectType::Invoices) => "invoice_ids",
            Table::Lines => "mrr_lines",
            Table::Movements => "movements",
            Table::Refreshes => "refreshes",
        }
    }

    /// The columns of its files; `_refresh` numbers the refresh that computed a row, the highest of
    /// a customer counts.
    pub(crate) fn schema(self) -> SchemaRef {
        let mut fields = match self {
            Table::Records(object) => return stored_schema(object),
            Table::Ids(_) => return Arc::new(Schema::new(id_columns())),
            Table::Lines => line_columns(),
            Table::Movements => movement_columns(),
            Table::Refreshes => refresh_columns(),
        };
        fields.push(Field::new("_refresh", DataType::Int64, false));
        Arc::new(Schema::new(fields))
    }

    /// The columns by which the rows of each of its files are sorted, nulls last: a customer's life
    /// in order.
    pub(crate) fn order(self) -> &'static [&'static str] {
        match self {
            Table::Records(ObjectType::Invoices) => {
                &["data_source", "customer_id", "subscription_id", "invoice_date", "id"]
            }
            Table::Records(_) => &["data_source", "id"],
            Table::Ids(_) => &["_key"],
            Table::Lines => &["data_source", "customer_id", "currency", "start_on", "invoice_id"],
            Table::Movements => &["data_source", "customer_id", "currency", "date"],
            Table::Refreshes => &["data_source", "customer_id"],
        }
    }
}

fn id_columns() -> Vec<Field> {
    vec![
        Field::new("_key", DataType::FixedSizeBinary(HASH_BYTES), false),
        Field::new("_sequence", DataType::Int64, false),
        Field::new("_hash", DataType::FixedSizeBinary(HASH_BYTES), false),
        Field::new("_deleted", DataType::Boolean, false),
        // Of an invoice.
        text("customer_id", true),
        // Of a plan.
        text("currency", true),
    ]
}

fn line_columns() -> Vec<Field> {
    vec![
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
    ]
}

fn movement_columns() -> Vec<Field> {
    vec![
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
    ]
}

fn refresh_columns() -> Vec<Field> {
    vec![
        text("data_source", false),
        text("customer_id", false),
        Field::new("recompute_on", DataType::Date32, true),
        Field::new("stable_since", DataType::Date32, true),
        // Why the rules cannot be carried out for the customer; it has no lines and movements then.
        text("failure", true),
    ]
}

fn text(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Utf8, nullable)
}
