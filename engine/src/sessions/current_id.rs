//! The versions of ids that the id index finds, read without a scan of their table.

use datafusion::prelude::{DataFrame, Expr, SessionContext, ident, lit};

use super::stored_tables::{PRESENT, StoredTables};
use crate::error::Result;
use crate::files::{Key, KnownId};
use crate::model::ObjectType;
use crate::tables::Table;

/// The current version of an id, which is not deleted.
#[derive(Debug, Clone)]
pub(crate) struct CurrentId {
    pub(crate) data_source: String,
    pub(crate) id: String,
    pub(crate) known: KnownId,
}

impl StoredTables {
    /// The versions of ids: read from the buckets of their customers, at their place in the order
    /// of the files.
    pub(crate) fn versions(
        &self,
        context: &SessionContext,
        object: ObjectType,
        ids: &[CurrentId],
    ) -> Result<DataFrame> {
        let customers = ids.iter().filter_map(|id| id.customer(object)).collect();
        let buckets = self.of_customers(customers);
        let rows = buckets.stored_of_customers(context, Table::Records(object), &PRESENT)?;
        let is_one_of_them = ids
            .iter()
            .map(|id| id.condition(object))
            .reduce(Expr::or)
            .unwrap_or_else(|| lit(false));
        Ok(rows.filter(is_one_of_them)?)
    }
}

impl CurrentId {
    /// The customer whose bucket has it; plans have no buckets.
    fn customer(&self, object: ObjectType) -> Option<Key> {
        match object {
            ObjectType::Customers => Some(Key::of(&self.data_source, &self.id)),
            ObjectType::Plans => None,
            ObjectType::Invoices => {
                Some(Key::of(&self.data_source, self.known.customer_id.as_deref()?))
            }
        }
    }

    /// Selects the version. It names the columns that sort the files, so that only a part of each
    /// is read.
    fn condition(&self, object: ObjectType) -> Expr {
        let this = ident("data_source")
            .eq(lit(self.data_source.as_str()))
            .and(ident("id").eq(lit(self.id.as_str())));
        let this = this.and(ident("_sequence").eq(lit(self.known.sequence)));
        match (object, &self.known.customer_id) {
            (ObjectType::Invoices, Some(customer)) => {
                this.and(ident("customer_id").eq(lit(customer.as_str())))
            }
            (ObjectType::Customers | ObjectType::Plans | ObjectType::Invoices, _) => this,
        }
    }
}
