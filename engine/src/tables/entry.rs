//! The list of stored tables, and the public views over them.

use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};

use super::columns::stored_schema;
use super::derived_columns::{id_schema, line_schema, movement_schema, refresh_schema};
use crate::model::ObjectType;

/// A stored table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Table {
    /// Versions of the records of a type, including tombstones.
    Records(ObjectType),
    /// The id index of a type.
    Ids(ObjectType),
    /// Every line of MRR, with its rule and invoice.
    Lines,
    /// Every movement, also those after `as_of`.
    Movements,
    /// The refresh of each customer, and the `as_of` for which its result holds.
    Refreshes,
}

/// The rows of a table, and which of them are current. A roll-up is a further kind: all of its rows
/// are current, and their sum is the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableKind {
    /// Versions of records. A version that no other supersedes is current, unless it is a
    /// tombstone.
    Versions(ObjectType),
    /// The last version of each id; of an id in several files the row with the highest `_sequence`
    /// is current.
    IdIndex,
    /// Rows that a refresh computes for each customer. Those with the customer's highest `_refresh`
    /// are current.
    PerCustomer,
}

/// A table that SQL can read, in `GET /v1/tables`, in statements and in reports.
#[derive(Debug)]
pub struct PublicTable {
    /// Its name.
    pub name: &'static str,
    /// The query over current rows that makes it.
    pub(crate) view: &'static str,
}

/// A stored table as data.
struct TableEntry {
    table: Table,
    /// The name of its directory and in the catalog.
    name: &'static str,
    kind: TableKind,
    /// The columns of its files.
    schema: fn() -> SchemaRef,
    /// The columns that sort the rows of each file, nulls last.
    order: &'static [&'static str],
    /// The public tables that are made from it.
    views: &'static [PublicTable],
}

const CUSTOMERS: TableEntry = TableEntry {
    table: Table::Records(ObjectType::Customers),
    name: "customers",
    kind: TableKind::Versions(ObjectType::Customers),
    schema: || stored_schema(ObjectType::Customers),
    order: &["data_source", "id"],
    views: &[PublicTable {
        name: "customers",
        view: include_str!("../../sql/tables/customers.sql"),
    }],
};

const PLANS: TableEntry = TableEntry {
    table: Table::Records(ObjectType::Plans),
    name: "plans",
    kind: TableKind::Versions(ObjectType::Plans),
    schema: || stored_schema(ObjectType::Plans),
    order: &["data_source", "id"],
    views: &[PublicTable { name: "plans", view: include_str!("../../sql/tables/plans.sql") }],
};

const INVOICES: TableEntry = TableEntry {
    table: Table::Records(ObjectType::Invoices),
    name: "invoices",
    kind: TableKind::Versions(ObjectType::Invoices),
    schema: || stored_schema(ObjectType::Invoices),
    // The history of a customer in order.
    order: &["data_source", "customer_id", "subscription_id", "invoice_date", "id"],
    views: &[PublicTable { name: "invoices", view: include_str!("../../sql/tables/invoices.sql") }],
};

const CUSTOMER_IDS: TableEntry = TableEntry {
    table: Table::Ids(ObjectType::Customers),
    name: "customer_ids",
    kind: TableKind::IdIndex,
    schema: id_schema,
    order: &["_key"],
    views: &[],
};

const PLAN_IDS: TableEntry = TableEntry {
    table: Table::Ids(ObjectType::Plans),
    name: "plan_ids",
    kind: TableKind::IdIndex,
    schema: id_schema,
    order: &["_key"],
    views: &[],
};

const INVOICE_IDS: TableEntry = TableEntry {
    table: Table::Ids(ObjectType::Invoices),
    name: "invoice_ids",
    kind: TableKind::IdIndex,
    schema: id_schema,
    order: &["_key"],
    views: &[],
};

const LINES: TableEntry = TableEntry {
    table: Table::Lines,
    name: "mrr_lines",
    kind: TableKind::PerCustomer,
    schema: line_schema,
    order: &["data_source", "customer_id", "currency", "start_on", "invoice_id"],
    views: &[PublicTable {
        name: "mrr_lines",
        view: include_str!("../../sql/tables/mrr_lines.sql"),
    }],
};

const MOVEMENTS: TableEntry = TableEntry {
    table: Table::Movements,
    name: "movements",
    kind: TableKind::PerCustomer,
    schema: movement_schema,
    order: &["data_source", "customer_id", "currency", "date"],
    views: &[
        PublicTable { name: "movements", view: include_str!("../../sql/tables/movements.sql") },
        PublicTable {
            name: "scheduled_movements",
            view: include_str!("../../sql/tables/scheduled_movements.sql"),
        },
    ],
};

const REFRESHES: TableEntry = TableEntry {
    table: Table::Refreshes,
    name: "refreshes",
    kind: TableKind::PerCustomer,
    schema: refresh_schema,
    order: &["data_source", "customer_id"],
    views: &[],
};

const ENTRIES: [TableEntry; 9] =
    [CUSTOMERS, PLANS, INVOICES, CUSTOMER_IDS, PLAN_IDS, INVOICE_IDS, LINES, MOVEMENTS, REFRESHES];

/// The public tables, in the order of documentation.
///
/// ```
/// let names: Vec<_> = mrrow_engine::public_tables().map(|table| table.name).collect();
/// assert_eq!(names[..2], ["customers", "plans"]);
/// ```
pub fn public_tables() -> impl Iterator<Item = &'static PublicTable> {
    ENTRIES.iter().flat_map(|entry| entry.views)
}

impl Table {
    /// Every stored table.
    pub(crate) const ALL: [Table; ENTRIES.len()] = {
        let mut all = [Table::Lines; ENTRIES.len()];
        let mut at = 0;
        while at < all.len() {
            all[at] = ENTRIES[at].table;
            at += 1;
        }
        all
    };

    /// The tables that a refresh computes.
    pub(crate) const PRECOMPUTED: [Table; 3] = [Table::Lines, Table::Movements, Table::Refreshes];

    /// The table with this name.
    pub(crate) fn named(name: &str) -> Option<Table> {
        ENTRIES.iter().find(|entry| entry.name == name).map(|entry| entry.table)
    }

    fn entry(self) -> &'static TableEntry {
        match self {
            Table::Records(ObjectType::Customers) => &CUSTOMERS,
            Table::Records(ObjectType::Plans) => &PLANS,
            Table::Records(ObjectType::Invoices) => &INVOICES,
            Table::Ids(ObjectType::Customers) => &CUSTOMER_IDS,
            Table::Ids(ObjectType::Plans) => &PLAN_IDS,
            Table::Ids(ObjectType::Invoices) => &INVOICE_IDS,
            Table::Lines => &LINES,
            Table::Movements => &MOVEMENTS,
            Table::Refreshes => &REFRESHES,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.entry().name
    }

    pub(crate) fn kind(self) -> TableKind {
        self.entry().kind
    }

    /// The columns of its files.
    pub(crate) fn schema(self) -> SchemaRef {
        (self.entry().schema)()
    }

    /// The columns that sort the rows of each of its files, nulls last.
    pub(crate) fn order(self) -> &'static [&'static str] {
        self.entry().order
    }
}

#[cfg(test)]
mod tests {
    use super::{ENTRIES, Table, TableKind, public_tables};

    #[test]
    fn each_entry_is_that_of_its_table() {
        for entry in &ENTRIES {
            assert_eq!(entry.table.name(), entry.name);
            assert_eq!(Table::named(entry.name), Some(entry.table));
        }
    }

    #[test]
    fn order_is_of_columns() {
        for table in Table::ALL {
            for column in table.order() {
                assert!(table.schema().index_of(column).is_ok(), "{table:?}: {column}");
            }
        }
    }

    #[test]
    fn refreshes_compute_the_tables_per_customer() {
        let per_customer =
            Table::ALL.into_iter().filter(|table| table.kind() == TableKind::PerCustomer);
        assert!(per_customer.eq(Table::PRECOMPUTED));
    }

    #[test]
    fn public_names_are_unique() {
        let mut names: Vec<&str> = public_tables().map(|table| table.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), public_tables().count());
    }
}
