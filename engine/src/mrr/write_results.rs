//! Writes the results of a refresh to the files of the precomputed tables.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, new_null_array};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Schema};
use tokio::sync::mpsc;

use super::Customers;
use crate::error::Result;
use crate::files::{Directory, Layer, NewFile, TableWriter, bucket_bits, sorted};
use crate::model::ObjectType;
use crate::mrr::attempt::Failure;
use crate::mrr::refresh::{Refresh, RefreshScope};
use crate::mrr::steps::StepResults;
use crate::tables::Table;
use crate::tables::column;

/// A message to the writer.
pub(super) enum WriterMessage {
    StepResults(StepResults),
    /// Decisions on customers without lines and movements.
    Undecided(RecordBatch),
    /// The end. Without it the refresh was cancelled, and the files are removed.
    End,
}

/// The open files of the precomputed tables.
pub(super) struct Writers {
    lines: TableWriter,
    movements: TableWriter,
    refreshes: TableWriter,
    /// In files of their own: these customers come last, and the rows of a file are sorted.
    undecided: TableWriter,
    undecided_customers: Vec<RecordBatch>,
    number: i64,
}

impl Writers {
    /// The results of all customers are the new base; those of some are a delta.
    pub(super) fn new(work: &Refresh, directory: &Directory, snapshot: i64) -> Writers {
        let (layer, bits) = match work.changed {
            RefreshScope::All => {
                (Layer::Base, bucket_bits(work.tables.rows(Table::Records(ObjectType::Invoices))))
            }
            RefreshScope::Some(_) => (Layer::Delta, 0),
        };
        let writer = |table| TableWriter::new(directory, table, layer, bits, snapshot);
        Writers {
            lines: writer(Table::Lines),
            movements: writer(Table::Movements),
            refreshes: writer(Table::Refreshes),
            undecided: writer(Table::Refreshes),
            undecided_customers: Vec::new(),
            number: work.number,
        }
    }

    /// Writes until the end message; none if the refresh was cancelled.
    pub(super) fn write_all(
        mut self,
        mut found: mpsc::Receiver<WriterMessage>,
    ) -> Result<Option<Vec<NewFile>>> {
        while let Some(found) = found.blocking_recv() {
            match found {
                WriterMessage::StepResults(computed) => {
                    self.lines.write(&conform(&computed.lines, Table::Lines, self.number)?)?;
                    self.movements.write(&conform(
                        &computed.movements,
                        Table::Movements,
                        self.number,
                    )?)?;
                    self.refreshes.write(&conform(
                        &computed.decisions,
                        Table::Refreshes,
                        self.number,
                    )?)?;
                }
                WriterMessage::Undecided(customers) => self.undecided_customers.push(customers),
                WriterMessage::End => return self.finish().map(Some),
            }
        }
        Ok(None)
    }

    fn finish(mut self) -> Result<Vec<NewFile>> {
        if let Some(first) = self.undecided_customers.first() {
            let customers = concat_batches(&first.schema(), &self.undecided_customers)?;
            self.undecided.write(&conform(&customers, Table::Refreshes, self.number)?)?;
        }
        let mut files = self.lines.finish()?;
        files.extend(self.movements.finish()?);
        files.extend(self.refreshes.finish()?);
        files.extend(self.undecided.finish()?);
        Ok(files)
    }
}

/// The columns of a table's schema with the refresh number, in the table's order.
fn conform(computed: &RecordBatch, table: Table, number: i64) -> Result<RecordBatch> {
    let schema = table.schema();
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        if field.name() == "_refresh" {
            columns.push(Arc::new(Int64Array::from(vec![number; computed.num_rows()])));
            continue;
        }
        // A computed customer has not failed.
        if field.name() == "failure" && computed.column_by_name("failure").is_none() {
            columns.push(new_null_array(field.data_type(), computed.num_rows()));
            continue;
        }
        columns.push(cast(column(computed, field.name())?, field.data_type())?);
    }
    sorted(&RecordBatch::try_new(schema, columns)?, table.order())
}

/// Decisions on customers without invoices: their result is empty for every as_of.
pub(super) fn emptied(customers: &Customers) -> Result<RecordBatch> {
    undecided(&customers.rows()?, new_null_array(&DataType::Utf8, customers.len()))
}

/// Decisions on customers for whom the rules fail.
pub(super) fn failed(failures: &[Failure]) -> Result<RecordBatch> {
    let mut customers = Customers::default();
    customers.extend(
        failures.iter().map(|failure| (failure.data_source.clone(), failure.customer_id.clone())),
    );
    let mut by_customer: Vec<&Failure> = failures.iter().collect();
    by_customer.sort_by_key(|failure| (&failure.data_source, &failure.customer_id));
    let reasons = StringArray::from_iter_values(by_customer.iter().map(|failure| &failure.reason));
    undecided(&customers.rows()?, Arc::new(reasons))
}

fn undecided(customers: &RecordBatch, reasons: ArrayRef) -> Result<RecordBatch> {
    let mut fields = customers.schema().fields().to_vec();
    let mut columns = customers.columns().to_vec();
    for name in ["recompute_on", "stable_since"] {
        fields.push(Arc::new(Field::new(name, DataType::Date32, true)));
        columns.push(new_null_array(&DataType::Date32, customers.num_rows()));
    }
    fields.push(Arc::new(Field::new("failure", DataType::Utf8, true)));
    columns.push(reasons);
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}
