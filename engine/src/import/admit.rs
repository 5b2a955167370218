//! Admission: staged rows are held against what is stored, and those that say something new are published with their movements.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, UInt64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use serde_json::Value;

use super::staging::{Staged, staged_schema};
use super::{ImportOptions, ImportSummary, OnError, Progress, RejectedRow};
use crate::engine::{Engine, Pinned};
use crate::error::{Error, Result};
use crate::ingest::{Code, FieldError, Rejection};
use crate::model::{ObjectType, field_names, record_schema};
use crate::mrr::{Changed, Moment, Refresh, refresh};
use crate::query::parquet_table;
use crate::store::{Commit, NewFile, Table};

const KNOWN_CUSTOMERS: &str = include_str!("../../sql/import/known_customers.sql");
const UNKNOWN_CUSTOMERS: &str = include_str!("../../sql/import/unknown_customers.sql");
const INVOICES_OF_KNOWN_CUSTOMERS: &str = include_str!("../../sql/import/invoices_of_known_customers.sql");
const VERSIONS: &str = include_str!("../../sql/import/versions.sql");
const INVOICE_VERSIONS: &str = include_str!("../../sql/import/invoice_versions.sql");
const PLAN_WARNINGS: &str = include_str!("../../sql/import/plan_warnings.sql");
const CHANGED_CUSTOMERS: &str = include_str!("../../sql/import/changed_customers.sql");

/// Refreshes of some customers that may lie over one another before everything is computed into one again.
const REFRESHES_MAX: usize = 8;

/// What became of the staged rows of one type.
#[derive(Default)]
struct Admitted {
    files: Vec<NewFile>,
    /// Customers that an invoice was moved away from.
    left_behind: BTreeSet<String>,
}

/// Publishes what the staged rows change, unless rows were rejected and the caller wants all or nothing.
pub(super) async fn admit(
    engine: &Engine,
    pinned: &Pinned,
    mut staged: Staged,
    data_source: &str,
    options: &ImportOptions,
) -> Result<ImportSummary> {
    let context = staging_session(engine, pinned, &staged).await?;
    reject_unknown_customers(&context, &mut staged).await?;
    count_plan_warnings(&context, &mut staged.summary).await?;
    let aborted = options.on_error == OnError::Abort && staged.summary.total().rejected > 0;
    // Also of an import that stores nothing the summary says what it would have done.
    let mut admitted = Admitted::default();
    let snapshot = pinned.info.id + 1;
    for object in ObjectType::ALL {
        if staged.files.contains_key(&object) {
            let work = Admission { engine, context: &context, object, snapshot, write: !aborted && !options.dry_run };
            work.run(&mut staged.summary, &mut admitted).await?;
        }
    }
    staged.rejects.finish()?;
    let mut summary = staged.summary;
    if aborted || options.dry_run {
        return Ok(summary);
    }
    summary.stored = true;
    if admitted.files.is_empty() {
        return Ok(summary);
    }
    options.tell(Progress::Computing);
    let id = publish(engine, pinned, staged.next_sequence - 1, data_source, admitted).await?;
    summary.snapshot = Some(id);
    Ok(summary)
}

/// The stored tables under their names, the staged ones as `staged_…`, and `known_customers` of both.
async fn staging_session(engine: &Engine, pinned: &Pinned, staged: &Staged) -> Result<SessionContext> {
    let context = engine.raw_tables(&pinned.files)?.session(engine.sessions()).await?;
    for object in ObjectType::ALL {
        let paths: Vec<_> = staged.files.get(&object).cloned().into_iter().collect();
        context.register_table(format!("staged_{object}"), parquet_table(&paths, staged_schema(object))?)?;
    }
    context.register_table("known_customers", context.sql(KNOWN_CUSTOMERS).await?.into_view())?;
    Ok(context)
}

async fn reject_unknown_customers(context: &SessionContext, staged: &mut Staged) -> Result<()> {
    let mut unknown = context.sql(UNKNOWN_CUSTOMERS).await?.execute_stream().await?;
    while let Some(batch) = unknown.try_next().await? {
        for row in 0..batch.num_rows() {
            let input =
                batch.column_by_name("_input").map_or(0, |column| column.as_primitive::<Int32Type>().value(row));
            let input = staged.input_names.get(input as usize).cloned().unwrap_or_default();
            let rejection = unknown_customer(&batch, row)?;
            // It was counted when it was read.
            staged.summary.counts_of(ObjectType::Invoices).read -= 1;
            staged.rejects.take(RejectedRow { input, rejection }, &mut staged.summary)?;
        }
    }
    Ok(())
}

fn unknown_customer(batch: &RecordBatch, row: usize) -> Result<Rejection> {
    let text = |name: &str| {
        let column = batch.column_by_name(name).map(|column| column.as_string::<i32>());
        column.map(|column| column.value(row).to_string()).unwrap_or_default()
    };
    let customer = text("customer_id");
    let line = batch.column_by_name("_line").map(|column| column.as_primitive::<UInt64Type>().value(row));
    let error = FieldError {
        pointer: "/customer_id".to_string(),
        code: Code::CustomerNotFound,
        message: format!("no customer \"{customer}\" is stored or in this import; send the customer too"),
        value: Some(Value::String(customer).to_string()),
    };
    Ok(Rejection {
        object: Some(ObjectType::Invoices),
        line,
        id: Some(text("id")),
        errors: vec![error],
        original: row_as_json(batch, row)?,
    })
}

/// A staged row as JSON; the bytes it came in are gone, its content is not.
fn row_as_json(batch: &RecordBatch, row: usize) -> Result<String> {
    let mut fields = serde_json::Map::new();
    for name in field_names(ObjectType::Invoices) {
        let values = column(batch, name)?;
        if values.is_null(row) {
            continue;
        }
        let text = ArrayFormatter::try_new(values, &FormatOptions::default())?.value(row).to_string();
        let value = match values.data_type() {
            DataType::Int64 => Value::from(values.as_primitive::<Int64Type>().value(row)),
            DataType::Boolean => Value::from(values.as_boolean().value(row)),
            DataType::Timestamp(..) if boolean(batch, &format!("{name}_zoned"))?.value(row) => Value::from(text + "Z"),
            _ => Value::from(text),
        };
        fields.insert((*name).to_string(), value);
    }
    Ok(Value::Object(fields).to_string())
}

async fn count_plan_warnings(context: &SessionContext, summary: &mut ImportSummary) -> Result<()> {
    for batch in context.sql(PLAN_WARNINGS).await?.collect().await? {
        let (codes, examples) = (batch.column(0).as_string::<i32>(), batch.column(2).as_string::<i32>());
        let counts = batch.column(1).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            summary.warn(codes.value(row), u64::try_from(counts.value(row)).unwrap_or(0), examples.value(row));
        }
    }
    Ok(())
}

/// The admission of one type of record.
struct Admission<'a> {
    engine: &'a Engine,
    context: &'a SessionContext,
    object: ObjectType,
    snapshot: i64,
    write: bool,
}

impl Admission<'_> {
    /// Counts what each row does, and writes those that say something new.
    async fn run(&self, summary: &mut ImportSummary, admitted: &mut Admitted) -> Result<()> {
        let mut versions = self.versions().await?.execute_stream().await?;
        let table = Table::Records(self.object);
        let mut writer = self.engine.directory().writer(table, self.snapshot);
        let mut superseded_rows = 0;
        while let Some(batch) = versions.try_next().await? {
            count_statuses(&batch, self.object, summary)?;
            let kept = filter_record_batch(&batch, boolean(&batch, "_kept")?)?;
            superseded_rows += boolean(&kept, "_supersedes")?.true_count();
            if self.object == ObjectType::Invoices {
                remember_left_behind(&kept, &mut admitted.left_behind);
            }
            if self.write {
                writer.write(&stored_columns(&kept, self.object)?)?;
            }
        }
        let mut files = writer.finish()?;
        if let Some(first) = files.first_mut() {
            first.superseded_rows = i64::try_from(superseded_rows).unwrap_or(i64::MAX);
        }
        admitted.files.extend(files);
        let counts = *summary.counts_of(self.object);
        if counts.accepted + counts.rejected != counts.read {
            return Err(Error::Internal(format!("of {} {} read, {counts:?} is not all", counts.read, self.object)));
        }
        Ok(())
    }

    async fn versions(&self) -> Result<datafusion::prelude::DataFrame> {
        let comparing = self.engine.sessions().parallel()?;
        let stored = self.context.table(self.object.name()).await?;
        comparing.register_table("stored", stored.into_view())?;
        let staged = if self.object == ObjectType::Invoices {
            self.context.sql(INVOICES_OF_KNOWN_CUSTOMERS).await?
        } else {
            self.context.table(format!("staged_{}", self.object)).await?
        };
        comparing.register_table("staged", staged.into_view())?;
        let sql = if self.object == ObjectType::Invoices { INVOICE_VERSIONS } else { VERSIONS };
        Ok(comparing.sql(sql).await?)
    }
}

fn count_statuses(batch: &RecordBatch, object: ObjectType, summary: &mut ImportSummary) -> Result<()> {
    let statuses = column(batch, "_status")?.as_string::<i32>();
    let counts = summary.counts_of(object);
    for status in statuses.iter().flatten() {
        counts.accepted += 1;
        match status {
            "created" => counts.created += 1,
            "updated" => counts.updated += 1,
            _ => counts.unchanged += 1,
        }
    }
    Ok(())
}

fn remember_left_behind(kept: &RecordBatch, left_behind: &mut BTreeSet<String>) {
    if let Some(left) = kept.column_by_name("_left_customer_id") {
        left_behind.extend(left.as_string::<i32>().iter().flatten().map(str::to_string));
    }
}

fn stored_columns(batch: &RecordBatch, object: ObjectType) -> Result<RecordBatch> {
    let schema = record_schema(object);
    let columns =
        schema.fields().iter().map(|field| column(batch, field.name()).cloned()).collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(schema, columns)?)
}

fn boolean<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a BooleanArray> {
    Ok(column(batch, name)?.as_boolean())
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| Error::Internal(format!("the comparison gives no column \"{name}\"")))
}

/// Computes the changed customers with the new files in place, and commits records and movements together.
async fn publish(
    engine: &Engine,
    pinned: &Pinned,
    last_sequence: i64,
    data_source: &str,
    admitted: Admitted,
) -> Result<i64> {
    let mut next = engine.next_snapshot(pinned, pinned.info.settings.clone());
    next.last_sequence = last_sequence;
    next.last_refresh += 1;
    let mut tables = engine.raw_tables(&pinned.files)?;
    for file in &admitted.files {
        tables.add(file.table, engine.directory().path(&file.path), file.superseded_rows);
    }
    let moment = Moment { settings: next.settings.clone(), as_of: next.as_of };
    let refreshes = tables.file_count(Table::Refreshes);
    let everyone = refreshes == 0 || refreshes >= REFRESHES_MAX;
    let changed = if everyone {
        Changed::All
    } else {
        let context = tables.session(engine.sessions()).await?;
        Changed::Some(changed_customers(engine, &context, &moment, data_source, &admitted).await?)
    };
    let work = Refresh { tables, moment, changed, number: next.last_refresh };
    let mut files = admitted.files;
    files.extend(refresh(&work, engine.sessions(), engine.directory(), next.id).await?);
    let id = next.id;
    let replaced_tables = if everyone { Table::PRECOMPUTED.to_vec() } else { Vec::new() };
    let data_sources = vec![data_source.to_string()];
    engine.commit(Commit { files, replaced_tables, data_sources, ..engine.commit_of(next, "import") }).await?;
    Ok(id)
}

async fn changed_customers(
    engine: &Engine,
    context: &SessionContext,
    moment: &Moment,
    data_source: &str,
    admitted: &Admitted,
) -> Result<Arc<MemTable>> {
    let mut new_files: BTreeMap<ObjectType, Vec<_>> = BTreeMap::new();
    for file in &admitted.files {
        if let Table::Records(object) = file.table {
            new_files.entry(object).or_default().push(engine.directory().path(&file.path));
        }
    }
    for object in ObjectType::ALL {
        let paths = new_files.remove(&object).unwrap_or_default();
        context.register_table(format!("new_{object}"), parquet_table(&paths, record_schema(object))?)?;
    }
    context.register_table("left_behind", customers(data_source, &admitted.left_behind)?)?;
    let changed = context.sql(CHANGED_CUSTOMERS).await?.with_param_values(moment.parameters())?;
    let schema = Arc::new(changed.schema().as_arrow().clone());
    Ok(Arc::new(MemTable::try_new(schema, vec![changed.collect().await?])?))
}

fn customers(data_source: &str, ids: &BTreeSet<String>) -> Result<Arc<dyn TableProvider>> {
    let text = |name| Field::new(name, DataType::Utf8, false);
    let schema = Arc::new(Schema::new(vec![text("data_source"), text("customer_id")]));
    let sources: ArrayRef = Arc::new(StringArray::from(vec![data_source; ids.len()]));
    let ids: ArrayRef = Arc::new(StringArray::from_iter_values(ids));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![sources, ids])?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
}
