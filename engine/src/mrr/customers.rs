//! A set of customers, such as those that a refresh computes.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::MemTable;

use crate::error::Result;
use crate::files::Key;
use crate::model::ObjectType;
use crate::tables::column;

/// Customers by data source and id. A clone shares the set until one of the two changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Customers(Arc<BTreeSet<(String, String)>>);

impl Customers {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, data_source: &str, id: &str) -> bool {
        self.0.contains(&(data_source.to_string(), id.to_string()))
    }

    /// Adds the customers in a column of rows; neighbouring rows mostly have the same customer.
    pub(crate) fn add(&mut self, rows: &RecordBatch, ids: &str) -> Result<()> {
        let sources = column(rows, "data_source")?.as_string::<i32>();
        let ids = column(rows, ids)?.as_string::<i32>();
        let set = Arc::make_mut(&mut self.0);
        let mut before = None;
        for row in 0..rows.num_rows() {
            let customer = (sources.value(row), ids.value(row));
            if before != Some(customer) && ids.is_valid(row) {
                set.insert((customer.0.to_string(), customer.1.to_string()));
            }
            before = Some(customer);
        }
        Ok(())
    }

    /// Adds the customers that records of a type name. Plans name none; a query finds theirs.
    pub(crate) fn add_named(&mut self, object: ObjectType, records: &RecordBatch) -> Result<()> {
        match object {
            ObjectType::Customers => self.add(records, "id"),
            ObjectType::Plans => Ok(()),
            ObjectType::Invoices => self.add(records, "customer_id"),
        }
    }

    /// Removes the customers in a column of rows.
    pub(crate) fn remove(&mut self, rows: &RecordBatch, ids: &str) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let mut named = Customers::default();
        named.add(rows, ids)?;
        let set = Arc::make_mut(&mut self.0);
        for customer in named.0.iter() {
            set.remove(customer);
        }
        Ok(())
    }

    pub(crate) fn extend(&mut self, others: impl IntoIterator<Item = (String, String)>) {
        Arc::make_mut(&mut self.0).extend(others);
    }

    pub(crate) fn keys(&self) -> Vec<Key> {
        self.0.iter().map(|(data_source, id)| Key::of(data_source, id)).collect()
    }

    /// Rows with the columns `data_source` and `customer_id`.
    pub(crate) fn rows(&self) -> Result<RecordBatch> {
        let text = |name| Field::new(name, DataType::Utf8, false);
        let schema = Arc::new(Schema::new(vec![text("data_source"), text("customer_id")]));
        let sources: ArrayRef =
            Arc::new(StringArray::from_iter_values(self.0.iter().map(|(source, _)| source)));
        let ids: ArrayRef =
            Arc::new(StringArray::from_iter_values(self.0.iter().map(|(_, id)| id)));
        Ok(RecordBatch::try_new(schema, vec![sources, ids])?)
    }

    /// The customers as a DataFusion table.
    pub(crate) fn table(&self) -> Result<Arc<MemTable>> {
        let rows = self.rows()?;
        Ok(Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]])?))
    }
}

impl IntoIterator for Customers {
    type Item = (String, String);
    type IntoIter = std::collections::btree_set::IntoIter<(String, String)>;

    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.0).into_iter()
    }
}
