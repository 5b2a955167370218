//! The tables of one run of the rules. A plan holds their names; the task that executes it holds
//! their rows.
//!
//! One plan thus serves any number of concurrent runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::{DataFusionError, Result, exec_datafusion_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream;

/// The rows of a run, by table.
#[derive(Debug, Default)]
pub(super) struct RunTables(Mutex<HashMap<&'static str, Vec<RecordBatch>>>);

impl RunTables {
    /// Adds a table.
    pub(super) fn put(&self, table: &'static str, rows: Vec<RecordBatch>) {
        self.lock().insert(table, rows);
    }

    /// Removes a table that no later step reads; empty if it does not exist.
    pub(super) fn take(&self, table: &str) -> Vec<RecordBatch> {
        self.lock().remove(table).unwrap_or_default()
    }

    fn rows(&self, table: &str) -> Option<Vec<RecordBatch>> {
        self.lock().get(table).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<&'static str, Vec<RecordBatch>>> {
        // A panic cannot leave the map half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A table in a plan: name and schema. The task provides the rows.
pub(super) fn table_of_run(name: &'static str, schema: SchemaRef) -> Result<Arc<StreamingTable>> {
    let rows = Arc::new(TableOfRun { name, schema: Arc::clone(&schema) });
    Ok(Arc::new(StreamingTable::try_new(schema, vec![rows])?))
}

#[derive(Debug)]
struct TableOfRun {
    name: &'static str,
    schema: SchemaRef,
}

impl TableOfRun {
    fn rows(&self, task: &TaskContext) -> Result<Vec<RecordBatch>> {
        let tables = task.session_config().get_extension::<RunTables>();
        tables
            .and_then(|tables| tables.rows(self.name))
            .ok_or_else(|| exec_datafusion_err!("the run has no table \"{}\"", self.name))
    }
}

impl PartitionStream for TableOfRun {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, task: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows: Vec<std::result::Result<RecordBatch, DataFusionError>> = match self.rows(&task) {
            Ok(rows) => rows.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        };
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream::iter(rows)))
    }
}
