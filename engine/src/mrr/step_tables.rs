//! The tables of one run of the rules: a plan names them, and finds their rows in the task that
//! carries it out.
//!
//! So one plan serves any number of runs, also at the same time.

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

/// The rows that a run has so far, by table.
#[derive(Debug, Default)]
pub(super) struct RunTables(Mutex<HashMap<&'static str, Vec<RecordBatch>>>);

impl RunTables {
    /// Adds a table.
    pub(super) fn put(&self, table: &'static str, rows: Vec<RecordBatch>) {
        self.lock().insert(table, rows);
    }

    /// Takes a table that is not read any more; no rows when there is none.
    pub(super) fn take(&self, table: &str) -> Vec<RecordBatch> {
        self.lock().remove(table).unwrap_or_default()
    }

    fn rows(&self, table: &str) -> Option<Vec<RecordBatch>> {
        self.lock().get(table).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<&'static str, Vec<RecordBatch>>> {
        // A map of batches is whole whatever happened to the thread that held it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A table as plans see it: a name and a schema; its rows are those of the run.
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
