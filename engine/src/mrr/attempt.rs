//! Computes one chunk. If the rules fail, the customer at fault is found: the refresh fails, or
//! leaves the customer out.

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use datafusion::common::DataFusionError;
use datafusion::common::runtime::SpawnedTask;

use super::{FailurePolicy, Rules};
use crate::error::{Error, Result};
use crate::model::RuleInputs;
use crate::mrr::chunks::{customer_at, half_way_between_customers};
use crate::mrr::refresh::Refresh;
use crate::mrr::steps::{StepResults, compute};

/// A customer for whom the rules fail.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) data_source: String,
    pub(super) customer_id: String,
    pub(super) reason: String,
}

/// The result of a chunk, and the customers left out of it.
pub(super) struct ChunkResult {
    /// None if every customer of the chunk failed.
    pub(super) computed: Option<StepResults>,
    pub(super) failures: Vec<Failure>,
}

/// Computes a chunk on another thread.
pub(super) async fn compute_in_background(
    chunk: Result<Vec<RecordBatch>>,
    work: &Refresh,
    rules: &Rules,
    plans: &RecordBatch,
) -> Result<ChunkResult> {
    let chunk = chunk?;
    let run = Run { rules: rules.clone(), moment: work.moment.clone(), plans: plans.clone() };
    let refusing = work.refusing.clone();
    let task = SpawnedTask::spawn(async move { run.compute_who_can_be(chunk, &refusing).await });
    task.join().await.map_err(|error| Error::Internal(format!("compute a chunk: {error}")))?
}

struct Run {
    rules: Rules,
    moment: RuleInputs,
    plans: RecordBatch,
}

impl Run {
    async fn compute_who_can_be(
        &self,
        chunk: Vec<RecordBatch>,
        refusing: &FailurePolicy,
    ) -> Result<ChunkResult> {
        let mut chunk = chunk;
        let mut failures = Vec::new();
        while chunk.iter().any(|batch| batch.num_rows() > 0) {
            let error = match self.compute(chunk.clone()).await {
                Err(Error::Query(error)) if !is_exhausted(&error) => error,
                computed => return Ok(ChunkResult { computed: Some(computed?), failures }),
            };
            let Some(failure) = self.blame(&chunk, error).await? else {
                return Err(Error::Internal("a chunk fails for no customer".to_string()));
            };
            if refusing.refuses(&failure.data_source, &failure.customer_id) {
                let Failure { data_source, customer_id, reason } = failure;
                return Err(Error::Customer { data_source, customer_id, reason });
            }
            tracing::error!(
                data_source = failure.data_source,
                customer = failure.customer_id,
                reason = failure.reason,
                "a customer cannot be computed and has no MRR until its records are corrected"
            );
            chunk = without(&chunk, &failure)?;
            failures.push(failure);
        }
        Ok(ChunkResult { computed: None, failures })
    }

    async fn compute(&self, chunk: Vec<RecordBatch>) -> Result<StepResults> {
        compute(&self.rules, &self.moment, chunk, self.plans.clone()).await
    }

    /// Finds the customer at fault by halving the chunk.
    async fn blame(
        &self,
        chunk: &[RecordBatch],
        error: DataFusionError,
    ) -> Result<Option<Failure>> {
        let Some(first) = chunk.first() else { return Ok(None) };
        let mut rows = concat_batches(&first.schema(), chunk)?;
        let mut reason = error;
        while let Some(half) = half_way_between_customers(&rows) {
            let (left, right) = (rows.slice(0, half), rows.slice(half, rows.num_rows() - half));
            match self.compute(vec![left.clone()]).await {
                Err(Error::Query(error)) => (rows, reason) = (left, error),
                _ => rows = right,
            }
        }
        let (data_source, customer_id) = customer_at(&rows, 0);
        let (data_source, customer_id) = (data_source.to_string(), customer_id.to_string());
        Ok(Some(Failure { data_source, customer_id, reason: reason.find_root().strip_backtrace() }))
    }
}

fn is_exhausted(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
}

fn without(chunk: &[RecordBatch], failure: &Failure) -> Result<Vec<RecordBatch>> {
    let others = |batch: &RecordBatch| -> Result<RecordBatch> {
        let is_other =
            |row| customer_at(batch, row) != (&failure.data_source, &failure.customer_id);
        let others: BooleanArray = (0..batch.num_rows()).map(|row| Some(is_other(row))).collect();
        Ok(filter_record_batch(batch, &others)?)
    };
    chunk
        .iter()
        .map(others)
        .filter(|batch| batch.as_ref().map_or(true, |batch| batch.num_rows() > 0))
        .collect()
}
