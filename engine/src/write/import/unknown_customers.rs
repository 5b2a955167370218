//! Rejects invoices whose customer is unknown at the end of the import (mrr.md §1.2).

use std::collections::HashSet;

use arrow::array::AsArray;
use arrow::datatypes::{Int32Type, Int64Type, UInt64Type};
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;

use super::RejectedRow;
use crate::error::Result;
use crate::ingest::unknown_customer;
use crate::model::ObjectType;
use crate::tables::column;
use crate::write::import::staging::StagedRows;

const UNKNOWN_CUSTOMERS: &str = include_str!("../../../sql/import/unknown_customers.sql");

/// Returns the positions (`_row`) of the rejected rows.
pub(super) async fn reject(
    context: &SessionContext,
    staged: &mut StagedRows,
) -> Result<HashSet<i64>> {
    let mut rejected = HashSet::new();
    let mut unknown = context.sql(UNKNOWN_CUSTOMERS).await?.execute_stream().await?;
    while let Some(batch) = unknown.try_next().await? {
        let inputs = column(&batch, "_input")?.as_primitive::<Int32Type>();
        rejected.extend(column(&batch, "_row")?.as_primitive::<Int64Type>().values());
        for row in 0..batch.num_rows() {
            let input =
                staged.input_names.get(inputs.value(row) as usize).cloned().unwrap_or_default();
            let line = Some(column(&batch, "_line")?.as_primitive::<UInt64Type>().value(row));
            let rejection = unknown_customer(&batch, row, line)?;
            // The row was counted when it was read.
            staged.summary.counts_of(ObjectType::Invoices).read -= 1;
            staged.rejects.take(RejectedRow { input, rejection }, &mut staged.summary)?;
        }
    }
    Ok(rejected)
}
