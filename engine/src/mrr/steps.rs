//! The steps of the rules: one SQL file each, run in order. A step reads the tables of earlier
//! steps.
//!
//! Plans are cached by rule inputs: planning takes longer than computing a few customers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use datafusion::execution::TaskContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::SessionConfig;

use crate::error::{Error, Result};
use crate::model::RuleInputs;
use crate::mrr::step_tables::{RunTables, table_of_run};
use crate::sessions::Sessions;

macro_rules! step {
    ($number:literal, $name:literal) => {
        ($name, include_str!(concat!("../../sql/mrr/", $number, "_", $name, ".sql")))
    };
}

/// The name of each step's table and its SQL, in order: the rules of `mrr.md`.
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

/// The input tables of the first step.
const INPUTS: [&str; 2] = ["invoices", "plans"];

/// The result tables.
const RESULTS: [&str; 3] = ["lines", "movements", "decisions"];

/// Cached plans: those of the writer, and those of some readers.
const MOMENTS_KEPT: usize = 4;

/// The results of the steps for some customers.
pub(super) struct StepResults {
    pub(super) lines: RecordBatch,
    pub(super) movements: RecordBatch,
    pub(super) decisions: RecordBatch,
}

/// Runs the steps over all invoices of some customers.
pub(super) async fn compute(
    rules: &Rules,
    moment: &RuleInputs,
    invoices: Vec<RecordBatch>,
    plans: RecordBatch,
) -> Result<StepResults> {
    let Some(first) = invoices.first() else {
        return Err(Error::Internal("compute no invoices".to_string()));
    };
    let steps =
        rules.planned.find(&rules.sessions, moment, &[first.schema(), plans.schema()]).await?;
    let tables = Arc::new(RunTables::default());
    tables.put("invoices", invoices);
    tables.put("plans", vec![plans]);
    steps.run(&tables).await?;
    Ok(StepResults {
        lines: steps.result("lines", &tables)?,
        movements: steps.result("movements", &tables)?,
        decisions: steps.result("decisions", &tables)?,
    })
}

/// The rules, ready to run: sessions, and a cache of the plans of their steps.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(super) sessions: Sessions,
    planned: Arc<PlannedSteps>,
}

impl Rules {
    pub(crate) fn new(sessions: &Sessions) -> Rules {
        Rules { sessions: sessions.clone(), planned: Arc::default() }
    }
}

/// A cache of planned steps, most recent first.
#[derive(Debug, Default)]
struct PlannedSteps(Mutex<VecDeque<Arc<Steps>>>);

impl PlannedSteps {
    async fn find(
        &self,
        sessions: &Sessions,
        moment: &RuleInputs,
        inputs: &[SchemaRef; 2],
    ) -> Result<Arc<Steps>> {
        if let Some(steps) = self.kept(moment, inputs) {
            return Ok(steps);
        }
        // A concurrent caller plans the same steps again; waiting would take as long.
        let steps = Arc::new(Steps::plan(sessions, moment, inputs).await?);
        let mut kept = self.lock();
        kept.push_front(Arc::clone(&steps));
        kept.truncate(MOMENTS_KEPT);
        Ok(steps)
    }

    /// Moves the entry to the front; the last entry is evicted first.
    fn kept(&self, moment: &RuleInputs, inputs: &[SchemaRef; 2]) -> Option<Arc<Steps>> {
        let mut kept = self.lock();
        let at =
            kept.iter().position(|steps| steps.moment == *moment && steps.inputs == *inputs)?;
        let steps = kept.remove(at)?;
        kept.push_front(Arc::clone(&steps));
        Some(steps)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Steps>>> {
        // A panic cannot leave the list half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All steps, planned for rule inputs and for the schemas of invoices and plans.
#[derive(Debug)]
struct Steps {
    moment: RuleInputs,
    inputs: [SchemaRef; 2],
    planned: Vec<Step>,
    config: SessionConfig,
    runtime: Arc<RuntimeEnv>,
}

#[derive(Debug)]
struct Step {
    name: &'static str,
    plan: Arc<dyn ExecutionPlan>,
    /// The tables that no later step reads.
    read_last: Vec<&'static str>,
}

impl Steps {
    async fn plan(
        sessions: &Sessions,
        moment: &RuleInputs,
        inputs: &[SchemaRef; 2],
    ) -> Result<Steps> {
        let context = sessions.single()?;
        for (name, schema) in INPUTS.into_iter().zip(inputs) {
            context.register_table(name, table_of_run(name, Arc::clone(schema))?)?;
        }
        let mut planned = Vec::with_capacity(STEPS.len());
        for (at, (name, sql)) in STEPS.into_iter().enumerate() {
            let step = context.sql(sql).await?.with_param_values(moment.parameters())?;
            let plan = step.create_physical_plan().await?;
            context.register_table(name, table_of_run(name, plan.schema())?)?;
            planned.push(Step { name, plan, read_last: read_last_by(at) });
        }
        let (config, runtime) = (context.copied_config(), context.runtime_env());
        Ok(Steps { moment: moment.clone(), inputs: inputs.clone(), planned, config, runtime })
    }

    /// Runs all steps; only the results remain in the tables.
    async fn run(&self, tables: &Arc<RunTables>) -> Result<()> {
        let config = self.config.clone().with_extension(Arc::clone(tables));
        let task = TaskContext::default()
            .with_session_config(config)
            .with_runtime(Arc::clone(&self.runtime));
        let task = Arc::new(task);
        for step in &self.planned {
            // A plan holds the build side of its joins; each run starts with a fresh one.
            let plan = reset_plan_states(Arc::clone(&step.plan))?;
            tables.put(step.name, collect(plan, Arc::clone(&task)).await?);
            for table in &step.read_last {
                tables.take(table);
            }
        }
        Ok(())
    }

    /// Takes one result out of the tables of a run.
    fn result(&self, name: &str, tables: &RunTables) -> Result<RecordBatch> {
        let schema =
            self.planned.iter().find(|step| step.name == name).map(|step| step.plan.schema());
        let schema =
            schema.ok_or_else(|| Error::Internal(format!("the rules have no step \"{name}\"")))?;
        Ok(concat_batches(&schema, &tables.take(name))?)
    }
}

/// The tables that this step reads last.
fn read_last_by(at: usize) -> Vec<&'static str> {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let reads = |sql: &str, table: &str| {
        sql.split(|character| !is_word(character)).any(|word| word == table)
    };
    let is_last = |table: &&str| {
        reads(STEPS[at].1, table) && !STEPS[at + 1..].iter().any(|(_, sql)| reads(sql, table))
    };
    let tables = INPUTS.into_iter().chain(STEPS[..at].iter().map(|(name, _)| *name));
    tables.filter(|table| !RESULTS.contains(table)).filter(is_last).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use datafusion::datasource::MemTable;

    use super::*;
    use crate::model::{ObjectType, Settings};
    use crate::tables::record_schema;

    #[tokio::test]
    async fn no_step_computes_with_floats() {
        let sessions = Sessions::new(64 * 1024 * 1024, 1, crate::mrr::register_functions).unwrap();
        let context = sessions.single().unwrap();
        let moment =
            RuleInputs { settings: Settings::default(), as_of: "2024-01-01".parse().unwrap() };
        for object in [ObjectType::Invoices, ObjectType::Plans] {
            let empty = MemTable::try_new(record_schema(object), vec![vec![]]).unwrap();
            context.register_table(object.name(), Arc::new(empty)).unwrap();
        }
        for (name, sql) in STEPS {
            let step =
                context.sql(sql).await.unwrap().with_param_values(moment.parameters()).unwrap();
            let plan =
                step.clone().into_optimized_plan().unwrap().display_indent_schema().to_string();
            assert!(!plan.contains("Float"), "{name} computes with floats:\n{plan}");
            let schema = Arc::new(step.schema().as_arrow().clone());
            context
                .register_table(name, Arc::new(MemTable::try_new(schema, vec![vec![]]).unwrap()))
                .unwrap();
        }
    }
}
