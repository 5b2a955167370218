//! The refresh: recomputes whole customers from their current records and writes what the rules find.
//!
//! Invoices are read customer by customer, cut into chunks between customers, and each chunk goes through the steps on its own:
//! memory is that of a few chunks, whatever the number of invoices.

use std::pin::pin;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::SchemaRef;
use datafusion::common::DataFusionError;
use datafusion::common::runtime::SpawnedTask;
use datafusion::datasource::MemTable;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;
use futures::{Stream, StreamExt, TryStreamExt};
use tokio::sync::mpsc;

use super::Moment;
use super::steps::{Computed, compute};
use crate::error::{Error, Result};
use crate::query::{RawTables, Sessions};
use crate::store::{Directory, FileWriter, NewFile, Table};

const INVOICES_OF_EVERYONE: &str = include_str!("../../sql/refresh/invoices_of_everyone.sql");
const INVOICES_OF_CHANGED: &str = include_str!("../../sql/refresh/invoices_of_changed.sql");
const EMPTIED_CUSTOMERS: &str = include_str!("../../sql/refresh/emptied_customers.sql");
const PLANS: &str = include_str!("../../sql/refresh/plans.sql");

/// A chunk is closed at the first customer boundary past so many invoices.
const CHUNK_ROWS: usize = 50_000;

/// Whose movements are to be computed.
#[derive(Debug, Clone)]
pub(crate) enum Changed {
    /// Everyone's; the older precomputed rows are then not needed any more.
    All,
    /// Those of a table with the columns `data_source` and `customer_id`.
    Some(Arc<MemTable>),
}

/// One refresh: what to compute, from which records, for which moment.
#[derive(Debug, Clone)]
pub(crate) struct Refresh {
    pub(crate) tables: RawTables,
    pub(crate) moment: Moment,
    pub(crate) changed: Changed,
    /// Its number; of the rows of a customer those with the highest count.
    pub(crate) number: i64,
}

/// Computes the changed customers and writes their rows as files for the snapshot to come.
pub(crate) async fn refresh(
    work: &Refresh,
    sessions: &Sessions,
    directory: &Directory,
    snapshot: i64,
) -> Result<Vec<NewFile>> {
    let context = work.tables.session(sessions).await?;
    if let Changed::Some(changed) = &work.changed {
        context.register_table("changed", Arc::clone(changed) as _)?;
    }
    let plans = context.sql(PLANS).await?;
    let plans_schema = Arc::new(plans.schema().as_arrow().clone());
    let plans = concat_batches(&plans_schema, &plans.collect().await?)?;
    let invoices = match work.changed {
        Changed::All => context.sql(INVOICES_OF_EVERYONE).await?,
        Changed::Some(_) => context.sql(INVOICES_OF_CHANGED).await?,
    };

    let (sender, receiver) = mpsc::channel(2);
    let writers = Writers::new(directory, snapshot, work.number);
    let writing = tokio::task::spawn_blocking(move || writers.write_all(receiver));
    let computing = async {
        let chunks = chunks_between_customers(invoices.execute_stream().await?);
        let computed = chunks
            .map(|chunk| compute_in_background(chunk, work, sessions, &plans))
            .buffered(sessions.threads().max(1));
        let mut computed = pin!(computed);
        while let Some(found) = computed.try_next().await? {
            send(&sender, Found::Computed(found)).await?;
        }
        if matches!(work.changed, Changed::Some(_)) {
            for emptied in emptied_customers(&context).await? {
                send(&sender, Found::Emptied(emptied)).await?;
            }
        }
        send(&sender, Found::End).await
    }
    .await;
    drop(sender);
    let files = writing.await.map_err(|error| Error::Internal(format!("write the refresh: {error}")))?;
    // Where the writer stopped, its error is the reason; the other side only saw that it was gone.
    match (files, computing) {
        (Ok(Some(files)), Ok(())) => Ok(files),
        (Err(error), _) | (_, Err(error)) => Err(error),
        (Ok(None), Ok(())) => Err(Error::Internal("the refresh's writer saw no end".to_string())),
    }
}

async fn compute_in_background(
    chunk: Result<Vec<RecordBatch>>,
    work: &Refresh,
    sessions: &Sessions,
    plans: &RecordBatch,
) -> Result<Computed> {
    let chunk = chunk?;
    let (sessions, moment, plans) = (sessions.clone(), work.moment.clone(), plans.clone());
    let task = SpawnedTask::spawn(async move {
        let computed = compute(&sessions, &moment, chunk.clone(), plans.clone()).await;
        match computed {
            Err(Error::Query(error)) if !is_exhausted(&error) => {
                Err(blame(&sessions, &moment, chunk, plans, error).await?)
            }
            computed => computed,
        }
    });
    task.join().await.map_err(|error| Error::Internal(format!("compute a chunk: {error}")))?
}

fn is_exhausted(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
}

/// Finds the customer for whom the rules cannot be carried out, by halving the chunk that holds it.
async fn blame(
    sessions: &Sessions,
    moment: &Moment,
    chunk: Vec<RecordBatch>,
    plans: RecordBatch,
    error: DataFusionError,
) -> Result<Error> {
    let Some(first) = chunk.first() else { return Ok(Error::Query(error)) };
    let mut rows = concat_batches(&first.schema(), &chunk)?;
    let mut reason = error;
    while let Some(half) = half_way_between_customers(&rows) {
        let (left, right) = (rows.slice(0, half), rows.slice(half, rows.num_rows() - half));
        match compute(sessions, moment, vec![left.clone()], plans.clone()).await {
            Err(Error::Query(error)) => (rows, reason) = (left, error),
            _ => rows = right,
        }
    }
    let (data_source, customer_id) = customer_at(&rows, 0);
    let (data_source, customer_id) = (data_source.to_string(), customer_id.to_string());
    Ok(Error::Customer { data_source, customer_id, reason: reason.find_root().strip_backtrace() })
}

/// A row between two customers, as near the middle as one is after it, else the last there is; none when all rows are of one.
fn half_way_between_customers(rows: &RecordBatch) -> Option<usize> {
    let is_boundary = |row: &usize| customer_at(rows, *row) != customer_at(rows, *row - 1);
    let middle = rows.num_rows() / 2;
    (middle.max(1)..rows.num_rows()).find(is_boundary).or_else(|| (1..middle).rev().find(is_boundary))
}

async fn emptied_customers(context: &SessionContext) -> Result<Vec<RecordBatch>> {
    Ok(context.sql(EMPTIED_CUSTOMERS).await?.collect().await?)
}

async fn send(sender: &mpsc::Sender<Found>, found: Found) -> Result<()> {
    sender.send(found).await.map_err(|_| Error::Internal("the refresh's writer is gone".to_string()))
}

/// Cuts invoices that come customer by customer into chunks that end between customers.
fn chunks_between_customers(mut invoices: SendableRecordBatchStream) -> impl Stream<Item = Result<Vec<RecordBatch>>> {
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

/// The first row of a batch that is of another customer than the row before it.
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

fn customer_at(batch: &RecordBatch, row: usize) -> (&str, &str) {
    let column = |name: &str| batch.column_by_name(name).map_or("", |column| column.as_string::<i32>().value(row));
    (column("data_source"), column("customer_id"))
}

/// What is to be written.
enum Found {
    Computed(Computed),
    Emptied(RecordBatch),
    /// Everything was sent. Without it the work was given up, and its files are dropped.
    End,
}

/// The files of the precomputed tables, written side by side.
struct Writers {
    lines: FileWriter,
    movements: FileWriter,
    refreshes: FileWriter,
    number: i64,
}

impl Writers {
    fn new(directory: &Directory, snapshot: i64, number: i64) -> Writers {
        let writer = |table| directory.writer(table, snapshot);
        Writers {
            lines: writer(Table::Lines),
            movements: writer(Table::Movements),
            refreshes: writer(Table::Refreshes),
            number,
        }
    }

    /// Writes until the end; none when the work was given up before it.
    fn write_all(mut self, mut found: mpsc::Receiver<Found>) -> Result<Option<Vec<NewFile>>> {
        while let Some(found) = found.blocking_recv() {
            match found {
                Found::Computed(computed) => {
                    self.lines.write(&conform(&computed.lines, &Table::Lines.schema(), self.number)?)?;
                    self.movements.write(&conform(&computed.movements, &Table::Movements.schema(), self.number)?)?;
                    self.refreshes.write(&conform(&computed.decisions, &Table::Refreshes.schema(), self.number)?)?;
                }
                Found::Emptied(customers) => {
                    self.refreshes.write(&conform(&customers, &Table::Refreshes.schema(), self.number)?)?;
                }
                Found::End => {
                    let mut files = self.lines.finish()?;
                    files.extend(self.movements.finish()?);
                    files.extend(self.refreshes.finish()?);
                    return Ok(Some(files));
                }
            }
        }
        Ok(None)
    }
}

/// The columns of a table's schema out of what was computed, with the refresh's number.
fn conform(computed: &RecordBatch, schema: &SchemaRef, number: i64) -> Result<RecordBatch> {
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        if field.name() == "_refresh" {
            columns.push(Arc::new(Int64Array::from(vec![number; computed.num_rows()])));
            continue;
        }
        let column = computed
            .column_by_name(field.name())
            .ok_or_else(|| Error::Internal(format!("the rules give no column \"{}\"", field.name())))?;
        columns.push(cast(column, field.data_type())?);
    }
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}
