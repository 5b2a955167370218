//! A candidate: a request during its validation.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::UInt64Type;

use crate::error::{Error, Result};
use crate::files::{ByKey, Key, KnownId};
use crate::ingest::{WarningCode, unknown_customer};
use crate::model::{ObjectType, OnError};
use crate::records::{ReceivedRows, RowStatus, StoredBatch};
use crate::tables::column;
use crate::write::ack::answer::{PushResult, PushedRow};
use crate::write::ack::request::Request;

pub(super) struct Candidate<'r> {
    pub(super) request: &'r Request,
    /// Its rows that are valid so far.
    pub(super) rows: BTreeMap<ObjectType, ReceivedRows>,
    /// The keys of the plans of its invoices.
    pub(super) plan_keys: Vec<Option<Key>>,
    pub(super) answer: PushResult,
}

impl Candidate<'_> {
    /// Its invoices, if it sends some.
    pub(super) fn invoices(&self) -> Option<&RecordBatch> {
        let invoices = self.rows.get(&ObjectType::Invoices);
        invoices.filter(|_| self.request.deletion.is_none()).map(|invoices| &invoices.rows)
    }

    /// The keys of the customers of its invoices.
    pub(super) fn customer_keys(&self) -> Result<Vec<Key>> {
        let Some(invoices) = self.invoices() else { return Ok(Vec::new()) };
        Ok(keys_in(invoices, "customer_id")?.into_iter().flatten().collect())
    }

    pub(super) fn find_plan_keys(&mut self) -> Result<()> {
        if let Some(invoices) = self.invoices() {
            self.plan_keys = keys_in(invoices, "plan_id")?;
        }
        Ok(())
    }

    /// Rejects invoices with these customers, unless a customer is live or sent too.
    pub(super) fn reject_unknown(
        &mut self,
        customers: &[Key],
        live: &ByKey<KnownId>,
    ) -> Result<()> {
        let Some(invoices) = self.invoices() else { return Ok(()) };
        let sent = self.rows.get(&ObjectType::Customers);
        let sent: HashSet<Key> = sent.iter().flat_map(|rows| rows.id_keys()).collect();
        let is_known: BooleanArray = customers
            .iter()
            .map(|key| Some(sent.contains(key) || live.contains_key(key)))
            .collect();
        if is_known.false_count() == 0 {
            return Ok(());
        }
        let lines = column(invoices, "_line")?.as_primitive::<UInt64Type>();
        let unknown = (0..is_known.len()).filter(|row| !is_known.value(*row));
        let rejections = unknown.map(|row| unknown_customer(invoices, row, Some(lines.value(row))));
        let rejections = rejections.collect::<Result<Vec<_>>>()?;
        if let Some(rows) = self.rows.get_mut(&ObjectType::Invoices) {
            *rows = rows.filter(&is_known)?;
        }
        self.answer.rejections.extend(rejections);
        self.answer.rejections.sort_by_key(|rejection| rejection.line);
        Ok(())
    }

    /// Decides whether its valid rows are stored.
    pub(super) fn decide(&mut self) -> Result<()> {
        self.answer.stored =
            self.answer.rejections.is_empty() || self.request.on_error == OnError::Skip;
        if self.answer.rejections.is_empty() { Ok(()) } else { self.number_rejections() }
    }

    /// Sets the index of each rejected row among those of its type.
    fn number_rejections(&mut self) -> Result<()> {
        let mut lines: BTreeMap<ObjectType, BTreeSet<u64>> = BTreeMap::new();
        for (object, rows) in &self.request.rows {
            let valid = column(rows, "_line")?.as_primitive::<UInt64Type>();
            lines.entry(*object).or_default().extend(valid.values());
        }
        for rejection in &self.answer.rejections {
            if let (Some(object), Some(line)) = (rejection.object, rejection.line) {
                lines.entry(object).or_default().insert(line);
            }
        }
        let in_order: BTreeMap<ObjectType, Vec<u64>> = lines
            .into_iter()
            .map(|(object, lines)| (object, lines.into_iter().collect()))
            .collect();
        for rejection in &mut self.answer.rejections {
            let lines =
                rejection.object.and_then(|object| in_order.get(&object)).zip(rejection.line);
            rejection.index = lines
                .and_then(|(lines, line)| lines.binary_search(&line).ok())
                .map(|index| index as u64);
        }
        Ok(())
    }

    /// Refuses to replace a version that is newer than the one that the sender has read.
    pub(super) fn check_unchanged(
        &self,
        batch: &StoredBatch,
        keys: &[Key],
        found: &[Option<KnownId>],
    ) -> Result<()> {
        let Some(since) = self.request.unchanged_since else { return Ok(()) };
        let is_newer =
            |known: &Option<KnownId>| known.as_ref().is_some_and(|known| known.sequence > since);
        let Some((changed, _)) = keys.iter().zip(found).find(|(_, known)| is_newer(known)) else {
            return Ok(());
        };
        let batch_keys = batch.keys().as_fixed_size_binary();
        let row = batch_keys.iter().position(|key| key == Some(changed.0.as_slice()));
        let ids = column(batch.rows(), "id")?.as_string::<i32>();
        Err(Error::Changed { id: ids.value(row.unwrap_or_default()).to_string() })
    }

    /// Adds the results of its rows of a type, whose statuses come first in a list.
    pub(super) fn report(
        &mut self,
        object: ObjectType,
        statuses: &[RowStatus],
        plans: &ByKey<KnownId>,
    ) -> Result<()> {
        let rows = &self.rows[&object].rows;
        let ids = column(rows, "id")?.as_string::<i32>();
        let lines = rows.column_by_name("_line").map(|lines| lines.as_primitive::<UInt64Type>());
        let has_plans = object == ObjectType::Invoices && self.request.deletion.is_none();
        for (row, status) in statuses[..rows.num_rows()].iter().enumerate() {
            let (id, line) = (ids.value(row).to_string(), lines.map(|lines| lines.value(row)));
            let decoded = line.and_then(|line| self.request.warnings.get(&(object, line)));
            let mut warnings = decoded.cloned().unwrap_or_default();
            if let Some(plan) = self.plan_keys.get(row).copied().flatten().filter(|_| has_plans) {
                warnings.extend(plan_warning(rows, row, plans.get(&plan))?);
            }
            self.answer.result.push(PushedRow { object, id, status: *status, warnings, line });
        }
        Ok(())
    }
}

fn plan_warning(
    invoices: &RecordBatch,
    row: usize,
    plan: Option<&KnownId>,
) -> Result<Option<WarningCode>> {
    let currency = column(invoices, "currency")?.as_string::<i32>().value(row);
    Ok(match plan {
        None => Some(WarningCode::UnknownPlan),
        Some(plan) if plan.currency.as_deref() != Some(currency) => {
            Some(WarningCode::CurrencyDiffers)
        }
        Some(_) => None,
    })
}

/// The keys of the ids in a column; none for a row without one.
fn keys_in(rows: &RecordBatch, name: &str) -> Result<Vec<Option<Key>>> {
    let sources = column(rows, "data_source")?.as_string::<i32>();
    let ids = column(rows, name)?.as_string::<i32>();
    Ok(sources.iter().zip(ids).map(|(source, id)| Some(Key::of(source?, id?))).collect())
}
