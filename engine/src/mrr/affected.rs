//! Which customers a change concerns: stale on another day, refreshed since, failing.

use arrow::array::RecordBatch;

use crate::error::Result;
use crate::model::RuleInputs;
use crate::mrr::Customers;
use crate::sessions::{Sessions, StoredTables};

const FAILURES: &str = include_str!("../../sql/refresh/failures.sql");
const STALE_CUSTOMERS: &str = include_str!("../../sql/refresh/stale_customers.sql");

/// The customers whose stored rows do not hold for these rule inputs.
pub(crate) async fn stale_customers(
    sessions: &Sessions,
    tables: &StoredTables,
    moment: &RuleInputs,
) -> Result<Customers> {
    let context = tables.session(sessions).await?;
    let stale = context.sql(STALE_CUSTOMERS).await?.with_param_values(moment.parameters())?;
    let mut customers = Customers::default();
    add_all(&stale.collect().await?, &mut customers)?;
    Ok(customers)
}

/// The customers for whom the rules fail.
pub(crate) async fn failing_customers(
    sessions: &Sessions,
    tables: &StoredTables,
) -> Result<Customers> {
    let context = tables.session(sessions).await?;
    let mut customers = Customers::default();
    add_all(&context.sql(FAILURES).await?.collect().await?, &mut customers)?;
    Ok(customers)
}

pub(crate) fn add_all(batches: &[RecordBatch], customers: &mut Customers) -> Result<()> {
    batches.iter().try_for_each(|batch| customers.add(batch, "customer_id"))
}
