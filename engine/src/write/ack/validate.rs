//! Admission of requests: which of their rows are accepted, what each does, and what of it goes
//! into the inbox.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, FixedSizeBinaryArray, FixedSizeBinaryBuilder,
    Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::{concat, filter_record_batch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, UInt64Type};

use super::inbox_codec;
use crate::catalog::InboxRows;
use crate::error::{Error, Result};
use crate::files::{ByKey, Key, KnownId};
use crate::ingest::WarningCode;
use crate::ingest::unknown_customer;
use crate::model::ObjectType;
use crate::model::OnError;
use crate::records::{Incoming, Keep, RowStatus};
use crate::tables::{HASH_BYTES, column, stored_schema};
use crate::write::ack::answer::{Pushed, PushedRow};
use crate::write::ack::pending::{PendingVersions, VersionLookup};
use crate::write::ack::request::{Deletion, Request};

/// Requests that are ready for the inbox.
pub(super) struct AdmittedRequests {
    /// The answer to each request, in their order.
    pub(super) answers: Vec<Pushed>,
    pub(super) inbox: Vec<InboxRows>,
    /// The data sources that are to be there with it; who only deletes makes none.
    pub(super) data_sources: BTreeSet<String>,
    pub(super) next_sequence: i64,
    pub(super) together: PendingVersions,
}

/// Admits requests, whose rows are numbered from `first_sequence`: one, or several that go together
/// ([`Request::goes_with`]), so that all of them are looked up and compared at once.
pub(super) struct Admission<'a> {
    pub(super) versions: VersionLookup<'a>,
    pub(super) first_sequence: i64,
    /// The last sequence that is acknowledged or published.
    pub(super) last_sequence: i64,
    /// An import is at work whose rows come before these: what seems unchanged now may not be so
    /// when it is published.
    pub(super) keeps_all: bool,
}

/// A request on its way through admission.
struct Candidate<'r> {
    request: &'r Request,
    /// Its rows that are valid so far.
    rows: BTreeMap<ObjectType, RecordBatch>,
    answer: Pushed,
}

impl Admission<'_> {
    pub(super) fn run(&self, requests: &[Request]) -> Result<AdmittedRequests> {
        let mut candidates = requests
            .iter()
            .map(|request| self.candidate(request))
            .collect::<Result<Vec<Candidate<'_>>>>()?;
        self.reject_unknown_customers(&mut candidates)?;
        candidates.iter_mut().try_for_each(Candidate::decide)?;
        let plans = self.plans(&candidates)?;
        let mut admitted = AdmittedRequests {
            answers: Vec::new(),
            inbox: Vec::new(),
            data_sources: BTreeSet::new(),
            next_sequence: self.first_sequence,
            together: PendingVersions::default(),
        };
        for object in ObjectType::ALL {
            self.admit(object, &mut candidates, &plans, &mut admitted)?;
        }
        admitted.answers = candidates.into_iter().map(|candidate| candidate.answer).collect();
        Ok(admitted)
    }

    /// A defect in the admission of a request is that request's answer; the others go on.
    pub(super) fn run_unless_it_panics(&self, requests: &[Request]) -> Result<AdmittedRequests> {
        // Nothing of requests that panicked is looked at again.
        std::panic::catch_unwind(AssertUnwindSafe(|| self.run(requests))).unwrap_or_else(|_| {
            Err(Error::Internal("the request could not be admitted; see the log".to_string()))
        })
    }

    fn candidate<'r>(&self, request: &'r Request) -> Result<Candidate<'r>> {
        let mut rows = request.rows.clone();
        if let Some(deletion) = &request.deletion {
            rows.insert(deletion.object, self.tombstones(&request.data_source, deletion)?);
        }
        let (sequence, snapshot) = (self.last_sequence, self.versions.pinned.info.id);
        Ok(Candidate {
            request,
            rows,
            answer: Pushed { sequence, snapshot, ..request.answer.clone() },
        })
    }

    /// Admits the rows of one type.
    fn admit(
        &self,
        object: ObjectType,
        candidates: &mut [Candidate<'_>],
        plans: &ByKey<KnownId>,
        admitted: &mut AdmittedRequests,
    ) -> Result<()> {
        let stored = |candidate: &&mut Candidate<'_>| {
            candidate.answer.stored && candidate.rows.contains_key(&object)
        };
        let mut candidates: Vec<&mut Candidate<'_>> =
            candidates.iter_mut().filter(stored).collect();
        if candidates.is_empty() {
            return Ok(());
        }
        let first = admitted.next_sequence;
        let rows = complete(object, &candidates, first)?;
        let incoming = Incoming::of(object, &rows)?;
        let compared = incoming.compare(Keep::Every, |keys| {
            let found = self.versions.find(object, keys)?;
            candidates
                .iter()
                .try_for_each(|candidate| candidate.check_unchanged(&rows, keys, &found))?;
            Ok(found)
        })?;
        let (mut from, mut last) =
            (0, admitted.inbox.last().map_or(self.last_sequence, |rows| rows.last_sequence));
        for candidate in &mut candidates {
            candidate.tell(object, &compared.statuses[from..], plans)?;
            let until = from + candidate.rows[&object].num_rows();
            // What changes nothing is told the sequence of what came before it.
            if self.keeps_all || compared.kept[from..until].contains(&true) {
                last = first + until as i64 - 1;
            }
            candidate.answer.sequence = last;
            from = until;
        }
        for row in 0..rows.num_rows() {
            if compared.kept[row] || self.keeps_all {
                admitted.together.insert(
                    object,
                    incoming.key(row as u32),
                    incoming.known(row as u32),
                );
            }
        }
        let wanted: BooleanArray =
            compared.kept.iter().map(|kept| Some(*kept || self.keeps_all)).collect();
        let stored = conform(object, &rows)?;
        let stored =
            if wanted.false_count() == 0 { stored } else { filter_record_batch(&stored, &wanted)? };
        if stored.num_rows() > 0 {
            if candidates.iter().all(|candidate| candidate.request.deletion.is_none()) {
                name_sources(&stored, &mut admitted.data_sources)?;
            }
            admitted.next_sequence = first + rows.num_rows() as i64;
            let (rows, memory_bytes) = inbox_codec::to_bytes(&stored)?;
            let last_sequence = admitted.next_sequence - 1;
            // Where the request has rows of other types before these, it ends later than was said.
            admitted
                .inbox
                .iter_mut()
                .for_each(|before| before.request_last_sequence = last_sequence);
            let request_last_sequence = last_sequence;
            let first_sequence = first;
            admitted.inbox.push(InboxRows {
                object,
                first_sequence,
                last_sequence,
                request_last_sequence,
                rows,
                memory_bytes,
            });
        }
        Ok(())
    }

    /// The rows that stand for deleted records; an invoice's names the customer it was of.
    fn tombstones(&self, data_source: &str, deletion: &Deletion) -> Result<RecordBatch> {
        let keys: Vec<Key> = deletion.ids.iter().map(|id| Key::of(data_source, id)).collect();
        let live = self.versions.live(deletion.object, &keys)?;
        let customers =
            keys.iter().map(|key| live.get(key).and_then(|known| known.customer_id.clone()));
        let customers: StringArray = customers.collect();
        let count = keys.len();
        let mut columns: Vec<ArrayRef> = Vec::new();
        let schema = stored_schema(deletion.object);
        for field in schema.fields() {
            columns.push(match field.name().as_str() {
                "data_source" => Arc::new(StringArray::from(vec![data_source; count])),
                "id" => Arc::new(StringArray::from_iter_values(&deletion.ids)),
                "customer_id" => Arc::new(customers.clone()),
                "_deleted" => Arc::new(BooleanArray::from(vec![true; count])),
                "_hash" => Arc::new(no_hash(count)?),
                "_sequence" => Arc::new(Int64Array::from(vec![0; count])),
                "_received_at" => {
                    Arc::new(TimestampMicrosecondArray::from(vec![0; count]).with_timezone("UTC"))
                }
                _ => new_null_array(field.data_type(), count),
            });
        }
        Ok(RecordBatch::try_new(schema, columns)?)
    }

    /// Rejects invoices whose customer is neither known nor in the request.
    fn reject_unknown_customers(&self, candidates: &mut [Candidate<'_>]) -> Result<()> {
        let customers = |candidate: &Candidate<'_>| match candidate.invoices() {
            Some(invoices) => keys_of(invoices, "customer_id"),
            None => Ok(Vec::new()),
        };
        let named = candidates.iter().map(customers).collect::<Result<Vec<_>>>()?;
        let live = self.versions.live(ObjectType::Customers, &named.concat())?;
        candidates
            .iter_mut()
            .zip(named)
            .try_for_each(|(candidate, named)| candidate.reject_unknown(&named, &live))
    }

    /// The plans that the requests' invoices name, as far as they are known or sent with them.
    fn plans(&self, candidates: &[Candidate<'_>]) -> Result<ByKey<KnownId>> {
        let mut named = Vec::new();
        for invoices in candidates.iter().filter_map(Candidate::invoices) {
            named.extend(keys_of(invoices, "plan_id")?);
        }
        let mut plans = self.versions.live(ObjectType::Plans, &named)?;
        for sent in candidates.iter().filter_map(|candidate| candidate.rows.get(&ObjectType::Plans))
        {
            let currencies = column(sent, "currency")?.as_string::<i32>();
            for (row, key) in keys_of(sent, "id")?.into_iter().enumerate() {
                let currency = currencies.is_valid(row).then(|| currencies.value(row).to_string());
                let known = KnownId {
                    sequence: 0,
                    hash: [0; 16],
                    deleted: false,
                    customer_id: None,
                    currency,
                };
                plans.insert(key, known);
            }
        }
        Ok(plans)
    }
}

impl Candidate<'_> {
    /// Its invoices, if it sends some.
    fn invoices(&self) -> Option<&RecordBatch> {
        self.rows.get(&ObjectType::Invoices).filter(|_| self.request.deletion.is_none())
    }

    /// Rejects invoices of which these are the customers, unless those are live or sent too.
    fn reject_unknown(&mut self, customers: &[Key], live: &ByKey<KnownId>) -> Result<()> {
        let Some(invoices) = self.invoices() else { return Ok(()) };
        let sent = self.rows.get(&ObjectType::Customers).map(|rows| keys_of(rows, "id"));
        let sent: HashSet<Key> = sent.transpose()?.unwrap_or_default().into_iter().collect();
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
        let known = filter_record_batch(invoices, &is_known)?;
        self.rows.insert(ObjectType::Invoices, known);
        self.answer.rejections.extend(rejections);
        self.answer.rejections.sort_by_key(|rejection| rejection.line);
        Ok(())
    }

    /// Decides whether it is stored.
    fn decide(&mut self) -> Result<()> {
        self.answer.stored =
            self.answer.rejections.is_empty() || self.request.on_error == OnError::Skip;
        if self.answer.rejections.is_empty() { Ok(()) } else { self.count_rejections() }
    }

    /// Says of each rejected row which one of its type it is.
    fn count_rejections(&mut self) -> Result<()> {
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

    /// Refuses to write over what was changed since it was read.
    fn check_unchanged(
        &self,
        rows: &RecordBatch,
        keys: &[Key],
        found: &[Option<KnownId>],
    ) -> Result<()> {
        let Some(since) = self.request.unchanged_since else { return Ok(()) };
        let is_newer =
            |known: &Option<KnownId>| known.as_ref().is_some_and(|known| known.sequence > since);
        let Some(changed) = keys.iter().zip(found).find(|(_, known)| is_newer(known)) else {
            return Ok(());
        };
        let row = keys_of(rows, "id")?.iter().position(|key| key == changed.0).unwrap_or_default();
        Err(Error::Changed { id: column(rows, "id")?.as_string::<i32>().value(row).to_string() })
    }

    /// Tells what became of its rows of a type, whose statuses come first in a list.
    fn tell(
        &mut self,
        object: ObjectType,
        statuses: &[RowStatus],
        plans: &ByKey<KnownId>,
    ) -> Result<()> {
        let rows = &self.rows[&object];
        let ids = column(rows, "id")?.as_string::<i32>();
        let lines = rows.column_by_name("_line").map(|lines| lines.as_primitive::<UInt64Type>());
        for (row, status) in statuses[..rows.num_rows()].iter().enumerate() {
            let (id, line) = (ids.value(row).to_string(), lines.map(|lines| lines.value(row)));
            let known = line.and_then(|line| self.request.warnings.get(&(object, line)));
            let mut warnings = known.cloned().unwrap_or_default();
            if object == ObjectType::Invoices && self.request.deletion.is_none() {
                warnings.extend(plan_warning(rows, row, plans)?);
            }
            self.answer.result.push(PushedRow { object, id, status: *status, warnings, line });
        }
        Ok(())
    }
}

impl Request {
    /// Whether this and another request, both of plain rows of one type, can be admitted in one
    /// step.
    pub(super) fn goes_with(&self, other: &Request) -> bool {
        let object = |request: &Request| {
            let is_plain = request.deletion.is_none()
                && request.idempotency.is_none()
                && request.unchanged_since.is_none();
            let mut objects = request.rows.keys().copied();
            objects.next().filter(|_| is_plain && objects.next().is_none())
        };
        object(self).is_some_and(|of_this| object(other) == Some(of_this))
    }
}

/// The rows of a type of all requests, numbered from `first`, with the columns of the store, and
/// their keys.
fn complete(
    object: ObjectType,
    candidates: &[&mut Candidate<'_>],
    first: i64,
) -> Result<RecordBatch> {
    let parts: Vec<&RecordBatch> =
        candidates.iter().map(|candidate| &candidate.rows[&object]).collect();
    let count = parts.iter().map(|rows| rows.num_rows()).sum::<usize>();
    let received_at = || {
        let each = candidates.iter().zip(&parts);
        each.flat_map(|(candidate, rows)| {
            std::iter::repeat_n(candidate.request.received_at.timestamp_micros(), rows.num_rows())
        })
    };
    let schema = stored_schema(object);
    let mut fields: Vec<FieldRef> = schema.fields().to_vec();
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(fields.len() + 1);
    for field in &fields {
        columns.push(match field.name().as_str() {
            "_sequence" => Arc::new(Int64Array::from_iter_values(first..first + count as i64)),
            "_received_at" => Arc::new(
                TimestampMicrosecondArray::from_iter_values(received_at()).with_timezone("UTC"),
            ),
            "_deleted" if parts[0].column_by_name("_deleted").is_none() => {
                Arc::new(BooleanArray::from(vec![false; count]))
            }
            "_supersedes" => new_null_array(&DataType::Int64, count),
            name => together(&parts, name)?,
        });
    }
    fields.push(Arc::new(Field::new("_key", DataType::FixedSizeBinary(HASH_BYTES), false)));
    columns.push(Key::column_of(&together(&parts, "data_source")?, &together(&parts, "id")?)?);
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// A column of several batches as one.
fn together(parts: &[&RecordBatch], name: &str) -> Result<ArrayRef> {
    let arrays = parts
        .iter()
        .map(|rows| Ok(column(rows, name)?.as_ref()))
        .collect::<Result<Vec<&dyn Array>>>()?;
    match parts {
        [alone] => Ok(Arc::clone(column(alone, name)?)),
        _ => Ok(concat(&arrays)?),
    }
}

/// Adds the data sources that rows are of.
fn name_sources(rows: &RecordBatch, names: &mut BTreeSet<String>) -> Result<()> {
    let mut last = None;
    for source in column(rows, "data_source")?.as_string::<i32>().iter().flatten() {
        if last.replace(source) != Some(source) {
            names.insert(source.to_string());
        }
    }
    Ok(())
}

fn plan_warning(
    invoices: &RecordBatch,
    row: usize,
    plans: &ByKey<KnownId>,
) -> Result<Option<WarningCode>> {
    let text = |name: &str| column(invoices, name).map(|texts| texts.as_string::<i32>());
    let plan_ids = text("plan_id")?;
    if plan_ids.is_null(row) {
        return Ok(None);
    }
    let plan = plans.get(&Key::of(text("data_source")?.value(row), plan_ids.value(row)));
    Ok(match plan {
        None => Some(WarningCode::UnknownPlan),
        Some(plan) if plan.currency.as_deref() != Some(text("currency")?.value(row)) => {
            Some(WarningCode::CurrencyDiffers)
        }
        Some(_) => None,
    })
}

/// The keys of the ids in a column, where it has one.
fn keys_of(rows: &RecordBatch, name: &str) -> Result<Vec<Key>> {
    let sources = column(rows, "data_source")?.as_string::<i32>();
    let ids = column(rows, name)?.as_string::<i32>();
    Ok(sources.iter().zip(ids).filter_map(|(source, id)| Some(Key::of(source?, id?))).collect())
}

fn no_hash(count: usize) -> Result<FixedSizeBinaryArray> {
    let mut hashes = FixedSizeBinaryBuilder::with_capacity(count, HASH_BYTES);
    for _ in 0..count {
        hashes.append_value([0; HASH_BYTES as usize])?;
    }
    Ok(hashes.finish())
}

/// Rows with the columns of the store alone.
fn conform(object: ObjectType, rows: &RecordBatch) -> Result<RecordBatch> {
    let schema = stored_schema(object);
    let columns = schema
        .fields()
        .iter()
        .map(|field| column(rows, field.name()).cloned())
        .collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(schema, columns)?)
}
