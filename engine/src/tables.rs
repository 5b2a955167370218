//! Every stored table as data: its name, schema, order, kind and public views.
//!
//! A further table is a variant of `Table` and an entry in `tables/entry.rs`. The room that
//! computes it writes its rows; every other room reads the entry.

mod columns;
mod derived_columns;
mod entry;

pub(crate) use columns::{
    HASH_BYTES, column, field_names, record_schema, required_fields, stored_schema,
};
pub use entry::{PublicTable, public_tables};
pub(crate) use entry::{Table, TableKind};
