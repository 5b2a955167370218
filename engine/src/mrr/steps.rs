//! The steps of the rules: one SQL file each, run in order; each reads the tables of those before it.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use super::Moment;
use crate::error::Result;
use crate::query::Sessions;

macro_rules! step {
    ($number:literal, $name:literal) => {
        ($name, include_str!(concat!("../../sql/mrr/", $number, "_", $name, ".sql")))
    };
}

/// The name of each step's table and its SQL, in the order in which they run; the rules of `mrr.md` as the engine computes them.
pub const STEPS: [(&str, &str); 15] = [
    step!("01", "records"),
    step!("02", "coverage"),
    step!("03", "counting_invoices"),
    step!("04", "groups"),
    step!("05", "cancellations"),
    step!("06", "cut_groups"),
    step!("07", "live_groups"),
    step!("08", "changes"),
    step!("09", "snapped_changes"),
    step!("10", "refunds"),
    step!("11", "lines"),
    step!("12", "subscription_days"),
    step!("13", "customer_days"),
    step!("14", "movements"),
    step!("15", "decisions"),
];

/// The tables that are kept when the steps are done.
const RESULTS: [&str; 3] = ["lines", "movements", "decisions"];

/// What the steps find for some customers.
pub(super) struct Computed {
    pub(super) lines: RecordBatch,
    pub(super) movements: RecordBatch,
    pub(super) decisions: RecordBatch,
}

/// Runs the steps over all invoices of some customers.
pub(super) async fn compute(
    sessions: &Sessions,
    moment: &Moment,
    invoices: Vec<RecordBatch>,
    plans: Arc<MemTable>,
) -> Result<Computed> {
    let context = sessions.single()?;
    if let Some(first) = invoices.first() {
        context.register_table("invoices", Arc::new(MemTable::try_new(first.schema(), vec![invoices])?))?;
    }
    context.register_table("plans", plans)?;
    for (at, (name, sql)) in STEPS.into_iter().enumerate() {
        let (schema, batches) = run(&context, moment, sql).await?;
        context.register_table(name, Arc::new(MemTable::try_new(schema, vec![batches])?))?;
        for (earlier, _) in &STEPS[..at] {
            if !is_needed_after(at, earlier) {
                context.deregister_table(*earlier)?;
            }
        }
    }
    Ok(Computed {
        lines: whole(&context, "lines").await?,
        movements: whole(&context, "movements").await?,
        decisions: whole(&context, "decisions").await?,
    })
}

/// Whether a step after this one reads a table, or it is one of the results.
fn is_needed_after(at: usize, table: &str) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let reads = |sql: &str| sql.split(|character| !is_word(character)).any(|word| word == table);
    RESULTS.contains(&table) || STEPS[at + 1..].iter().any(|(_, sql)| reads(sql))
}

async fn run(context: &SessionContext, moment: &Moment, sql: &str) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let step = context.sql(sql).await?.with_param_values(moment.parameters())?;
    let schema = Arc::new(step.schema().as_arrow().clone());
    let batches = step.collect().await?;
    // The plan's nullability may be looser than the batches' own; the table is what the batches are.
    let schema = batches.first().map_or(schema, RecordBatch::schema);
    Ok((schema, batches))
}

async fn whole(context: &SessionContext, table: &str) -> Result<RecordBatch> {
    let rows = context.table(table).await?;
    let schema = Arc::new(rows.schema().as_arrow().clone());
    let batches = rows.collect().await?;
    let schema = batches.first().map_or(schema, RecordBatch::schema);
    Ok(concat_batches(&schema, &batches)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::{ObjectType, Settings, record_schema};

    #[tokio::test]
    async fn no_step_computes_with_floats() {
        let sessions = Sessions::new(64 * 1024 * 1024, 1).unwrap();
        let context = sessions.single().unwrap();
        let moment = Moment { settings: Settings::default(), as_of: "2024-01-01".parse().unwrap() };
        for object in [ObjectType::Invoices, ObjectType::Plans] {
            let empty = MemTable::try_new(record_schema(object), vec![vec![]]).unwrap();
            context.register_table(object.name(), Arc::new(empty)).unwrap();
        }
        for (name, sql) in STEPS {
            let step = context.sql(sql).await.unwrap().with_param_values(moment.parameters()).unwrap();
            let plan = step.clone().into_optimized_plan().unwrap().display_indent_schema().to_string();
            assert!(!plan.contains("Float"), "{name} computes with floats:\n{plan}");
            let schema = Arc::new(step.schema().as_arrow().clone());
            context.register_table(name, Arc::new(MemTable::try_new(schema, vec![vec![]]).unwrap())).unwrap();
        }
    }
}
