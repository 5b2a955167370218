//! Chunks: sorted invoices are cut between customers.

use arrow::array::{AsArray, RecordBatch};
use datafusion::execution::SendableRecordBatchStream;
use futures::{Stream, TryStreamExt};

use crate::error::Result;

/// A chunk ends at the first customer boundary after this number of invoices.
const CHUNK_ROWS: usize = 50_000;

/// Cuts invoices, sorted by customer, into chunks of whole customers.
pub(super) fn chunks_between_customers(
    mut invoices: SendableRecordBatchStream,
) -> impl Stream<Item = Result<Vec<RecordBatch>>> {
    async_stream::try_stream! {
        let mut chunk: Vec<RecordBatch> = Vec::new();
        let mut rows = 0;
        while let Some(batch) = invoices.try_next().await? {
            if batch.num_rows() == 0 {
                continue;
            }
            if rows >= CHUNK_ROWS && let Some(cut) = first_of_another_customer(chunk.last(), &batch) {
                if cut > 0 {
                    chunk.push(batch.slice(0, cut));
                }
                yield std::mem::take(&mut chunk);
                let rest = batch.slice(cut, batch.num_rows() - cut);
                rows = rest.num_rows();
                chunk.push(rest);
            } else {
                rows += batch.num_rows();
                chunk.push(batch);
            }
        }
        if !chunk.is_empty() {
            yield chunk;
        }
    }
}

/// The first row of a batch that belongs to another customer than the row before it.
fn first_of_another_customer(before: Option<&RecordBatch>, batch: &RecordBatch) -> Option<usize> {
    let last = before.map(|before| customer_at(before, before.num_rows() - 1));
    let mut previous = last.unwrap_or_else(|| customer_at(batch, 0));
    for row in 0..batch.num_rows() {
        let customer = customer_at(batch, row);
        if customer != previous {
            return Some(row);
        }
        previous = customer;
    }
    None
}

pub(super) fn customer_at(batch: &RecordBatch, row: usize) -> (&str, &str) {
    let column = |name: &str| {
        batch.column_by_name(name).map_or("", |column| column.as_string::<i32>().value(row))
    };
    (column("data_source"), column("customer_id"))
}

/// The row nearest to the middle at which a new customer begins; none if all rows belong to one
/// customer.
pub(super) fn half_way_between_customers(rows: &RecordBatch) -> Option<usize> {
    let is_boundary = |row: &usize| customer_at(rows, *row) != customer_at(rows, *row - 1);
    let middle = rows.num_rows() / 2;
    (middle.max(1)..rows.num_rows())
        .find(is_boundary)
        .or_else(|| (1..middle).rev().find(is_boundary))
}
