//! Compares staged rows with the stored records and publishes the new and changed ones with their
//! movements.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use chrono::{DateTime, Utc};
use datafusion::prelude::SessionContext;

use super::{ImportOptions, ImportSummary, Progress, keep, unknown_customers};
use crate::error::{Error, Result};
use crate::files::{Layer, TableWriter, bucket_bits};
use crate::model::ObjectType;
use crate::model::OnError;
use crate::sessions::parquet_table;
use crate::store::{SnapshotFiles, Store};
use crate::tables::Table;
use crate::write::import::compare::{Comparison, RowVerdicts};
use crate::write::import::staging::{StagedRows, staged_schema};
use crate::write::publish::{Addition, computes_everyone, publish};

const KNOWN_CUSTOMERS: &str = include_str!("../../../sql/import/known_customers.sql");
const PLAN_WARNINGS: &str = include_str!("../../../sql/import/plan_warnings.sql");

/// A staged import and its destination.
pub(super) struct ImportDiff<'a> {
    pub(super) store: &'a Arc<Store>,
    pub(super) pinned: &'a Arc<SnapshotFiles>,
    pub(super) staged: StagedRows,
    pub(super) data_source: &'a str,
    pub(super) first_sequence: i64,
    pub(super) received_at: DateTime<Utc>,
}

impl ImportDiff<'_> {
    /// Publishes the changes, unless a row was rejected and `on_error` is abort.
    pub(super) async fn run(mut self, options: &ImportOptions) -> Result<ImportSummary> {
        let rejected = options.unless_canceled(self.reject_and_warn()).await?;
        let aborted =
            options.on_error == OnError::Abort && self.staged.summary.total().rejected > 0;
        // The summary of a dry run counts too.
        let mut addition = self.addition();
        let write = !aborted && !options.dry_run;
        let compared = self.hold_against_stored(rejected, write, &mut addition, options).await;
        let finished = std::mem::take(&mut self.staged.rejects).finish();
        if let Err(error) = compared.and(finished) {
            self.store.give_up(&addition.files)?;
            return Err(error);
        }
        let mut summary = self.staged.summary;
        if aborted || options.dry_run {
            return Ok(summary);
        }
        summary.stored = true;
        if addition.files.is_empty() {
            return Ok(summary);
        }
        options.tell(Progress::Computing);
        addition.canceled = options.canceled.clone();
        summary.snapshot = Some(publish(self.store, self.pinned, addition).await?.id);
        Ok(summary)
    }

    /// Rejects invoices of unknown customers and counts plan warnings. Returns the positions of the
    /// rejected rows.
    async fn reject_and_warn(&mut self) -> Result<HashSet<i64>> {
        let context = self.staging_session().await?;
        let rejected = unknown_customers::reject(&context, &mut self.staged).await?;
        count_plan_warnings(&context, &mut self.staged.summary).await?;
        Ok(rejected)
    }

    fn addition(&self) -> Addition {
        Addition {
            data_sources: vec![self.data_source.to_string()],
            first_sequence: self.first_sequence,
            last_sequence: self.first_sequence + self.staged.rows - 1,
            ..Addition::new("import")
        }
    }

    /// The stored tables, the staged tables as `staged_…`, and `known_customers` of both.
    async fn staging_session(&self) -> Result<SessionContext> {
        let context = self.store.tables(self.pinned)?.session(&self.store.sessions).await?;
        for object in ObjectType::ALL {
            let paths: Vec<_> = self.staged.files.get(&object).cloned().into_iter().collect();
            context.register_table(
                format!("staged_{object}"),
                parquet_table(&paths, staged_schema(object), &[])?,
            )?;
        }
        context
            .register_table("known_customers", context.sql(KNOWN_CUSTOMERS).await?.into_view())?;
        Ok(context)
    }

    /// Compares the rows of every type, counts the results, and writes the new and changed rows.
    async fn hold_against_stored(
        &mut self,
        rejected: HashSet<i64>,
        write: bool,
        addition: &mut Addition,
        options: &ImportOptions,
    ) -> Result<()> {
        let mut rejected = Some(rejected);
        let mut compared = Vec::new();
        for object in ObjectType::ALL {
            let Some(file) = self.staged.files.get(&object).cloned() else { continue };
            let rejected = if object == ObjectType::Invoices { rejected.take() } else { None };
            let comparison = Comparison {
                object,
                file,
                rejected: rejected.unwrap_or_default(),
                first_sequence: self.first_sequence,
                rows: self.staged.rows,
            };
            let index = write.then(|| self.writer(Table::Ids(object), 0));
            let (comparison, mut verdicts) = self.compared(comparison, index, options).await?;
            addition.files.append(&mut verdicts.files);
            addition.changed.extend(std::mem::take(&mut verdicts.left_behind));
            self.count(object, &verdicts)?;
            compared.push((comparison, verdicts));
        }
        if write {
            options.tell(Progress::Writing);
            for (comparison, verdicts) in &compared {
                options.unless_canceled(self.write(comparison, verdicts, addition)).await?;
            }
        }
        Ok(())
    }

    fn count(&mut self, object: ObjectType, verdicts: &RowVerdicts) -> Result<()> {
        let counts = self.staged.summary.counts_of(object);
        counts.accepted += verdicts.counts.accepted;
        counts.created += verdicts.counts.created;
        counts.updated += verdicts.counts.updated;
        counts.unchanged += verdicts.counts.unchanged;
        if counts.accepted + counts.rejected != counts.read {
            return Err(Error::Internal(format!(
                "of {} {object} read, {counts:?} is not all",
                counts.read
            )));
        }
        Ok(())
    }

    async fn write(
        &self,
        comparison: &Comparison,
        verdicts: &RowVerdicts,
        addition: &mut Addition,
    ) -> Result<()> {
        let bits = bucket_bits(verdicts.kept.count_set_bits() as u64);
        let writer = self.writer(Table::Records(comparison.object), bits);
        let changed = (!computes_everyone(self.pinned)).then_some(&mut addition.changed);
        let files =
            keep::write(self.store, comparison, verdicts, self.received_at, writer, changed)
                .await?;
        addition.files.extend(files);
        Ok(())
    }

    async fn compared(
        &self,
        comparison: Comparison,
        index: Option<TableWriter>,
        options: &ImportOptions,
    ) -> Result<(Comparison, RowVerdicts)> {
        let (store, pinned, options) =
            (Arc::clone(self.store), Arc::clone(self.pinned), options.clone());
        let comparing = tokio::task::spawn_blocking(move || {
            let verdicts = comparison.run(&store, &pinned, index, &options)?;
            Ok((comparison, verdicts))
        });
        comparing.await.map_err(|error| Error::Internal(format!("compare rows: {error}")))?
    }

    /// The first rows of an empty table are its base; later rows are a delta.
    fn writer(&self, table: Table, bits: u32) -> TableWriter {
        let is_empty = self.pinned.files.iter().all(|file| file.table != table);
        let layer = if is_empty { Layer::Base } else { Layer::Delta };
        TableWriter::new(&self.store.directory, table, layer, bits, self.pinned.info.id + 1)
    }
}

async fn count_plan_warnings(context: &SessionContext, summary: &mut ImportSummary) -> Result<()> {
    for batch in context.sql(PLAN_WARNINGS).await?.collect().await? {
        let (codes, examples) =
            (batch.column(0).as_string::<i32>(), batch.column(2).as_string::<i32>());
        let counts = batch.column(1).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            summary.warn(
                codes.value(row),
                u64::try_from(counts.value(row)).unwrap_or(0),
                examples.value(row),
            );
        }
    }
    Ok(())
}
