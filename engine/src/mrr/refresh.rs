//! The refresh: recomputes whole customers from their current records and writes what the rules find.
//!
//! Invoices are read customer by customer, cut into chunks between customers, and each chunk goes through the steps on its own:
//! memory is that of a few chunks, whatever the number of invoices.

use std::pin::pin;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, new_null_array};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Schema};
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
use crate::model::{ObjectType, column};
use crate::publish::Customers;
use crate::query::{RawTables, Sessions};
use crate::store::{Directory, Layer, NewFile, Table, TableWriter, bucket_bits, sorted};

const INVOICES_OF_EVERYONE: &str = include_str!("../../sql/refresh/invoices_of_everyone.sql");
const INVOICES_OF_CHANGED: &str = include_str!("../../sql/refresh/invoices_of_changed.sql");
const PLANS: &str = include_str!("../../sql/refresh/plans.sql");

/// Up to so many customers are read from the files of their buckets only.
const CUSTOMERS_LOOKED_UP: usize = 256;

/// A chunk is closed at the first customer boundary past so many invoices.
const CHUNK_ROWS: usize = 50_000;

/// Whose movements are to be computed.
#[derive(Debug, Clone)]
pub(crate) enum Changed {
    /// Everyone's; the older precomputed rows are then not needed any more.
    All,
    /// Those of some customers; their rows are laid over the older ones.
    Some(Customers),
}

impl Changed {
    /// The customers who are named; none when it is everyone.
    fn some(&self) -> Customers {
        match self {
            Changed::All => Customers::default(),
            Changed::Some(customers) => customers.clone(),
        }
    }
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

impl Refresh {
    /// The current records: of everyone in the order of the files, of some as it is quickest.
    async fn session(&self, sessions: &Sessions) -> Result<SessionContext> {
        let customers = match &self.changed {
            Changed::All => {
                let context = sessions.in_order()?;
                self.tables.register(&context, sessions).await?;
                return Ok(context);
            }
            Changed::Some(customers) => customers,
        };
        let context = if customers.len() <= CUSTOMERS_LOOKED_UP {
            self.tables.of_customers(customers.keys()).session(sessions).await?
        } else {
            self.tables.session(sessions).await?
        };
        context.register_table("changed", customers.table()?)?;
        Ok(context)
    }
}

/// Computes the changed customers and writes their rows as files for the snapshot to come.
pub(crate) async fn refresh(
    work: &Refresh,
    sessions: &Sessions,
    directory: &Directory,
    snapshot: i64,
) -> Result<Vec<NewFile>> {
    let context = work.session(sessions).await?;
    let plans = context.sql(PLANS).await?;
    let plans_schema = Arc::new(plans.schema().as_arrow().clone());
    let plans = concat_batches(&plans_schema, &plans.collect().await?)?;
    let invoices = match work.changed {
        Changed::All => context.sql(INVOICES_OF_EVERYONE).await?,
        Changed::Some(_) => context.sql(INVOICES_OF_CHANGED).await?,
    };

    let (sender, receiver) = mpsc::channel(2);
    let writers = Writers::new(work, directory, snapshot);
    let writing = tokio::task::spawn_blocking(move || writers.write_all(receiver));
    let computing = async {
        let chunks = chunks_between_customers(invoices.execute_stream().await?);
        let computed = chunks
            .map(|chunk| compute_in_background(chunk, work, sessions, &plans))
            .buffered(sessions.threads().max(1));
        let mut computed = pin!(computed);
        let mut emptied = work.changed.some();
        while let Some(found) = computed.try_next().await? {
            emptied.remove(&found.decisions, "customer_id")?;
            send(&sender, Found::Computed(found)).await?;
        }
        if !emptied.is_empty() {
            send(&sender, Found::Emptied(undecided(&emptied)?)).await?;
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

/// The decisions on customers who have no invoices (any more): their result is empty for every as_of.
fn undecided(customers: &Customers) -> Result<RecordBatch> {
    let rows = customers.rows()?;
    let mut fields = rows.schema().fields().to_vec();
    let mut columns = rows.columns().to_vec();
    for name in ["recompute_on", "stable_since"] {
        fields.push(Arc::new(Field::new(name, DataType::Date32, true)));
        columns.push(new_null_array(&DataType::Date32, rows.num_rows()));
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
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
    lines: TableWriter,
    movements: TableWriter,
    refreshes: TableWriter,
    number: i64,
}

impl Writers {
    /// What is computed for everyone is the new base; what is computed for some lies over it.
    fn new(work: &Refresh, directory: &Directory, snapshot: i64) -> Writers {
        let (layer, bits) = match work.changed {
            Changed::All => (Layer::Base, bucket_bits(work.tables.rows(Table::Records(ObjectType::Invoices)))),
            Changed::Some(_) => (Layer::Delta, 0),
        };
        let writer = |table| TableWriter::new(directory, table, layer, bits, snapshot);
        Writers {
            lines: writer(Table::Lines),
            movements: writer(Table::Movements),
            refreshes: writer(Table::Refreshes),
            number: work.number,
        }
    }

    /// Writes until the end; none when the work was given up before it.
    fn write_all(mut self, mut found: mpsc::Receiver<Found>) -> Result<Option<Vec<NewFile>>> {
        while let Some(found) = found.blocking_recv() {
            match found {
                Found::Computed(computed) => {
                    self.lines.write(&conform(&computed.lines, Table::Lines, self.number)?)?;
                    self.movements.write(&conform(&computed.movements, Table::Movements, self.number)?)?;
                    self.refreshes.write(&conform(&computed.decisions, Table::Refreshes, self.number)?)?;
                }
                Found::Emptied(customers) => {
                    self.refreshes.write(&conform(&customers, Table::Refreshes, self.number)?)?;
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

/// The columns of a table's schema out of what was computed, with the refresh's number, in the table's order.
fn conform(computed: &RecordBatch, table: Table, number: i64) -> Result<RecordBatch> {
    let schema = table.schema();
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        if field.name() == "_refresh" {
            columns.push(Arc::new(Int64Array::from(vec![number; computed.num_rows()])));
            continue;
        }
        columns.push(cast(column(computed, field.name())?, field.data_type())?);
    }
    sorted(&RecordBatch::try_new(schema, columns)?, table.order())
}
