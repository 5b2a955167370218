//! Admission of a request: which of its rows are accepted, what each does, and what of it goes into the inbox.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, FixedSizeBinaryArray, FixedSizeBinaryBuilder, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, UInt64Type};

use super::pending::{Known, Pending};
use super::request::{Deletion, Request};
use super::wire;
use super::{Pushed, PushedRow};
use crate::error::{Error, Result};
use crate::import::OnError;
use crate::ingest::{WarningCode, unknown_customer};
use crate::model::{HASH_BYTES, ObjectType, column, stored_schema};
use crate::store::{InboxRows, Key, KnownId, RememberedAnswer};
use crate::versions::{Compared, Incoming, Keep};

/// A request that is ready for the inbox.
pub(super) struct Admitted {
    pub(super) answer: Pushed,
    pub(super) inbox: Vec<InboxRows>,
    /// The data sources that are to be there with it; who only deletes makes none.
    pub(super) data_sources: BTreeSet<String>,
    pub(super) next_sequence: i64,
    pub(super) together: Pending,
    /// The answer, where it is to be remembered.
    pub(super) remembered: Option<RememberedAnswer>,
}

impl Admitted {
    /// A request of which nothing is stored (any more).
    pub(super) fn nothing(answer: Pushed, next_sequence: i64) -> Admitted {
        Admitted {
            answer,
            inbox: Vec::new(),
            data_sources: BTreeSet::new(),
            next_sequence,
            together: Pending::default(),
            remembered: None,
        }
    }
}

/// Admits one request, whose rows are numbered from `first_sequence`.
pub(super) struct Admission<'a> {
    pub(super) known: Known<'a>,
    pub(super) first_sequence: i64,
    /// The last sequence that is acknowledged or published.
    pub(super) last_sequence: i64,
    /// An import is at work whose rows come before these: what seems unchanged now may not be so when it is published.
    pub(super) keep_all: bool,
}

impl Admission<'_> {
    pub(super) fn run(&self, mut request: Request) -> Result<Admitted> {
        if let Some(deletion) = request.deletion.take() {
            let rows = self.tombstones(&request.data_source, &deletion)?;
            request.rows.insert(deletion.object, rows);
        }
        self.reject_unknown_customers(&mut request)?;
        let store = request.answer.rejections.is_empty() || request.on_error == OnError::Skip;
        let mut admitted = Admitted::nothing(std::mem::take(&mut request.answer), self.first_sequence);
        let plans = self.plans(&request)?;
        for (object, rows) in &request.rows {
            self.admit(*object, rows, &request, &plans, &mut admitted)?;
        }
        if store {
            admitted.answer.stored = true;
        } else {
            // What the other rows would have done is not done.
            let answer = Pushed { result: Vec::new(), ..std::mem::take(&mut admitted.answer) };
            admitted = Admitted::nothing(answer, self.first_sequence);
        }
        admitted.answer.snapshot = self.known.pinned.info.id;
        admitted.answer.sequence = admitted.inbox.last().map_or(self.last_sequence, |rows| rows.last_sequence);
        Ok(admitted)
    }

    /// A defect in the admission of one request is that request's answer; the others go on.
    pub(super) fn run_unless_it_panics(&self, request: Request) -> Result<Admitted> {
        // Nothing of a request that panicked is looked at again.
        std::panic::catch_unwind(AssertUnwindSafe(|| self.run(request)))
            .unwrap_or_else(|_| Err(Error::Internal("the request could not be admitted; see the log".to_string())))
    }

    fn admit(
        &self,
        object: ObjectType,
        rows: &RecordBatch,
        request: &Request,
        plans: &HashMap<Key, KnownId>,
        admitted: &mut Admitted,
    ) -> Result<()> {
        let first = admitted.next_sequence;
        let rows = self.complete(object, rows, request, first)?;
        let incoming = Incoming::of(object, &rows)?;
        let compared = incoming.compare(Keep::Every, |keys| {
            let found = self.known.find(object, keys)?;
            request.check_unchanged(&rows, keys, &found)?;
            Ok(found)
        })?;
        self.answer(object, &rows, &compared, request, plans, admitted)?;
        for row in 0..rows.num_rows() {
            if compared.kept[row] || self.keep_all {
                admitted.together.insert(object, incoming.key(row as u32), incoming.known(row as u32));
            }
        }
        let wanted: BooleanArray = compared.kept.iter().map(|kept| Some(*kept || self.keep_all)).collect();
        let stored = filter_record_batch(&conform(object, &rows)?, &wanted)?;
        if stored.num_rows() > 0 {
            let sources = column(&stored, "data_source")?.as_string::<i32>();
            let (mut last, makes_sources) = (None, request.deletes_nothing());
            let is_next = |source: &&str| makes_sources && last.replace(source.to_string()).as_deref() != Some(source);
            admitted.data_sources.extend(sources.iter().flatten().filter(is_next).map(String::from));
            admitted.next_sequence = first + rows.num_rows() as i64;
            admitted.inbox.push(InboxRows {
                object,
                first_sequence: first,
                last_sequence: admitted.next_sequence - 1,
                rows: wire::to_bytes(&stored)?,
            });
        }
        Ok(())
    }

    fn answer(
        &self,
        object: ObjectType,
        rows: &RecordBatch,
        compared: &Compared,
        request: &Request,
        plans: &HashMap<Key, KnownId>,
        admitted: &mut Admitted,
    ) -> Result<()> {
        let ids = column(rows, "id")?.as_string::<i32>();
        let lines = request.rows[&object].column_by_name("_line").map(|lines| lines.as_primitive::<UInt64Type>());
        for row in 0..rows.num_rows() {
            let (id, line) = (ids.value(row).to_string(), lines.map(|lines| lines.value(row)));
            let mut warnings = line.and_then(|line| request.warnings.get(&(object, line)).cloned()).unwrap_or_default();
            if object == ObjectType::Invoices && request.deletes_nothing() {
                warnings.extend(plan_warning(rows, row, plans)?);
            }
            admitted.answer.result.push(PushedRow { object, id, status: compared.statuses[row], warnings, line });
        }
        Ok(())
    }

    /// Rows with the columns of the store, and their keys.
    fn complete(&self, object: ObjectType, rows: &RecordBatch, request: &Request, first: i64) -> Result<RecordBatch> {
        let count = rows.num_rows();
        let mut fields: Vec<FieldRef> = stored_schema(object).fields().to_vec();
        fields.push(Arc::new(Field::new("_key", DataType::FixedSizeBinary(HASH_BYTES), false)));
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(fields.len());
        for field in &fields {
            columns.push(match field.name().as_str() {
                "_key" => Key::column(rows)?,
                "_sequence" => Arc::new(Int64Array::from_iter_values(first..first + count as i64)),
                "_received_at" => {
                    let received_at = vec![request.received_at.timestamp_micros(); count];
                    Arc::new(TimestampMicrosecondArray::from(received_at).with_timezone("UTC"))
                }
                "_deleted" => match rows.column_by_name("_deleted") {
                    Some(deleted) => Arc::clone(deleted),
                    None => Arc::new(BooleanArray::from(vec![false; count])),
                },
                "_supersedes" => new_null_array(&DataType::Int64, count),
                name => Arc::clone(column(rows, name)?),
            });
        }
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
    }

    /// The rows that stand for deleted records; an invoice's names the customer it was of.
    fn tombstones(&self, data_source: &str, deletion: &Deletion) -> Result<RecordBatch> {
        let keys: Vec<Key> = deletion.ids.iter().map(|id| Key::of(data_source, id)).collect();
        let live = self.known.live(deletion.object, &keys)?;
        let customers = keys.iter().map(|key| live.get(key).and_then(|known| known.customer_id.clone()));
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
                "_received_at" => Arc::new(TimestampMicrosecondArray::from(vec![0; count]).with_timezone("UTC")),
                _ => new_null_array(field.data_type(), count),
            });
        }
        Ok(RecordBatch::try_new(schema, columns)?)
    }

    /// Rejects invoices whose customer is neither known nor in the request.
    fn reject_unknown_customers(&self, request: &mut Request) -> Result<()> {
        let Some(invoices) = request.rows.get(&ObjectType::Invoices).filter(|_| request.deletes_nothing()) else {
            return Ok(());
        };
        let sent = request.rows.get(&ObjectType::Customers).map(|rows| keys_of(rows, "id"));
        let sent: Vec<Key> = sent.transpose()?.unwrap_or_default();
        let keys = keys_of(invoices, "customer_id")?;
        let live = self.known.live(ObjectType::Customers, &keys)?;
        let sent: HashSet<Key> = sent.into_iter().collect();
        let is_known: BooleanArray =
            keys.iter().map(|key| Some(sent.contains(key) || live.contains_key(key))).collect();
        if is_known.true_count() == is_known.len() {
            return Ok(());
        }
        let lines = column(invoices, "_line")?.as_primitive::<UInt64Type>();
        for row in (0..is_known.len()).filter(|row| !is_known.value(*row)) {
            request.answer.rejections.push(unknown_customer(invoices, row, Some(lines.value(row)))?);
        }
        request.answer.rejections.sort_by_key(|rejection| rejection.line);
        let known = filter_record_batch(invoices, &is_known)?;
        request.rows.insert(ObjectType::Invoices, known);
        Ok(())
    }

    /// The plans that the request's invoices name, as far as they are known or sent with it.
    fn plans(&self, request: &Request) -> Result<HashMap<Key, KnownId>> {
        let Some(invoices) = request.rows.get(&ObjectType::Invoices).filter(|_| request.deletes_nothing()) else {
            return Ok(HashMap::new());
        };
        let keys = keys_of(invoices, "plan_id")?;
        let mut plans = self.known.live(ObjectType::Plans, &keys)?;
        if let Some(sent) = request.rows.get(&ObjectType::Plans) {
            let currencies = column(sent, "currency")?.as_string::<i32>();
            for (row, key) in keys_of(sent, "id")?.into_iter().enumerate() {
                let currency = Some(currencies.value(row).to_string());
                let known = KnownId { sequence: 0, hash: [0; 16], deleted: false, customer_id: None, currency };
                plans.insert(key, known);
            }
        }
        Ok(plans)
    }
}

impl Request {
    /// Refuses to write over what was changed since it was read.
    fn check_unchanged(&self, rows: &RecordBatch, keys: &[Key], found: &[Option<KnownId>]) -> Result<()> {
        let Some(since) = self.unchanged_since else { return Ok(()) };
        let is_newer = |known: &Option<KnownId>| known.as_ref().is_some_and(|known| known.sequence > since);
        let Some(changed) = keys.iter().zip(found).find(|(_, known)| is_newer(known)) else { return Ok(()) };
        let row = keys_of(rows, "id")?.iter().position(|key| key == changed.0).unwrap_or_default();
        Err(Error::Changed { id: column(rows, "id")?.as_string::<i32>().value(row).to_string() })
    }

    fn deletes_nothing(&self) -> bool {
        self.rows.values().all(|rows| rows.column_by_name("_deleted").is_none())
    }
}

fn plan_warning(invoices: &RecordBatch, row: usize, plans: &HashMap<Key, KnownId>) -> Result<Option<WarningCode>> {
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
    let columns =
        schema.fields().iter().map(|field| column(rows, field.name()).cloned()).collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(schema, columns)?)
}
