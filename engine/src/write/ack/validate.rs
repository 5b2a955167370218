//! Validation of requests: which of their rows are accepted, what each does, and the rows that go
//! into the inbox.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::filter;

use crate::catalog::InboxRows;
use crate::error::{Error, Result};
use crate::files::{ByKey, Key, KnownId};
use crate::model::ObjectType;
use crate::records::{DiffResult, IncomingRows, Keep, ReceivedRows, StoredBatch};
use crate::tables::column;
use crate::write::ack::answer::PushResult;
use crate::write::ack::candidate::Candidate;
use crate::write::ack::inbox_codec::InboxBatch;
use crate::write::ack::pending::{PendingVersions, VersionLookup};
use crate::write::ack::request::{Deletion, Request};

/// Requests that are ready for the inbox.
pub(super) struct AdmittedRequests {
    /// The answer to each request, in their order.
    pub(super) answers: Vec<PushResult>,
    pub(super) inbox: Vec<InboxRows>,
    /// The data sources that are created with it; a deletion creates none.
    pub(super) data_sources: BTreeSet<String>,
    pub(super) next_sequence: i64,
    pub(super) together: PendingVersions,
}

/// The validation of requests, whose rows are numbered from `first_sequence`: one, or several that
/// go together ([`Request::goes_with`]), so that all of them are looked up and compared at once.
pub(super) struct Admission<'a> {
    pub(super) versions: VersionLookup<'a>,
    pub(super) first_sequence: i64,
    /// The last sequence that is acknowledged or published.
    pub(super) last_sequence: i64,
    /// An import with earlier sequences is running: a row that is unchanged may differ from the
    /// import's.
    pub(super) keeps_all: bool,
    /// All versions with earlier sequences are known.
    pub(super) knows_all: bool,
}

impl Admission<'_> {
    pub(super) fn run(&self, requests: &[Request]) -> Result<AdmittedRequests> {
        let mut candidates = requests
            .iter()
            .map(|request| self.candidate(request))
            .collect::<Result<Vec<Candidate<'_>>>>()?;
        self.reject_unknown_customers(&mut candidates)?;
        candidates.iter_mut().try_for_each(Candidate::decide)?;
        candidates.iter_mut().try_for_each(Candidate::find_plan_keys)?;
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

    /// A panic refuses the requests; the commit loop goes on.
    pub(super) fn run_unless_it_panics(&self, requests: &[Request]) -> Result<AdmittedRequests> {
        // The requests are not used after a panic.
        std::panic::catch_unwind(AssertUnwindSafe(|| self.run(requests))).unwrap_or_else(|_| {
            Err(Error::Internal("the request could not be validated; see the log".to_string()))
        })
    }

    fn candidate<'r>(&self, request: &'r Request) -> Result<Candidate<'r>> {
        let mut rows = BTreeMap::new();
        for (object, decoded) in &request.rows {
            rows.insert(*object, ReceivedRows::decoded(decoded, request.received_at)?);
        }
        if let Some(deletion) = &request.deletion {
            rows.insert(deletion.object, self.tombstones(request, deletion)?);
        }
        let (sequence, snapshot) = (self.last_sequence, self.versions.pinned.info.id);
        let answer = PushResult { sequence, snapshot, ..request.answer.clone() };
        Ok(Candidate { request, rows, plan_keys: Vec::new(), answer })
    }

    /// The rows that stand for deleted records.
    fn tombstones(&self, request: &Request, deletion: &Deletion) -> Result<ReceivedRows> {
        let source = request.data_source.as_str();
        let keys: Vec<Key> = deletion.ids.iter().map(|id| Key::of(source, id)).collect();
        let live = self.versions.live(deletion.object, &keys)?;
        let customers =
            keys.iter().map(|key| live.get(key).and_then(|known| known.customer_id.clone()));
        ReceivedRows::tombstones(
            deletion.object,
            source,
            &deletion.ids,
            &keys,
            customers.collect(),
            request.received_at,
        )
    }

    /// Rejects invoices whose customer is neither known nor in the request.
    fn reject_unknown_customers(&self, candidates: &mut [Candidate<'_>]) -> Result<()> {
        let named = candidates.iter().map(Candidate::customer_keys).collect::<Result<Vec<_>>>()?;
        let live = self.versions.live(ObjectType::Customers, &named.concat())?;
        candidates
            .iter_mut()
            .zip(named)
            .try_for_each(|(candidate, named)| candidate.reject_unknown(&named, &live))
    }

    /// The plans of the requests' invoices that are known or sent with them.
    fn plans(&self, candidates: &[Candidate<'_>]) -> Result<ByKey<KnownId>> {
        let named: Vec<Key> = candidates
            .iter()
            .flat_map(|candidate| &candidate.plan_keys)
            .flatten()
            .copied()
            .collect();
        let mut plans = self.versions.live(ObjectType::Plans, &named)?;
        for sent in candidates.iter().filter_map(|candidate| candidate.rows.get(&ObjectType::Plans))
        {
            let currencies = column(&sent.rows, "currency")?.as_string::<i32>();
            for (row, key) in sent.id_keys().enumerate() {
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
        let parts: Vec<&ReceivedRows> =
            candidates.iter().map(|candidate| &candidate.rows[&object]).collect();
        let batch = StoredBatch::receive(object, &parts, first)?;
        let incoming = IncomingRows::of_batch(object, &batch)?;
        let compared = incoming.compare(Keep::Every, |keys| {
            let found = self.versions.find(object, keys)?;
            candidates
                .iter()
                .try_for_each(|candidate| candidate.check_unchanged(&batch, keys, &found))?;
            Ok(found)
        })?;
        let last = admitted.inbox.last().map_or(self.last_sequence, |rows| rows.last_sequence);
        self.report(object, &mut candidates, &compared, plans, (first, last))?;
        let rows = 0..batch.rows().num_rows() as u32;
        let is_decided = self.knows_all
            && self.versions.are_decided(object, rows.clone().map(|row| incoming.key(row)));
        for row in rows.filter(|row| self.keeps_all || compared.kept[*row as usize]) {
            let (key, known) = (incoming.key(row), incoming.known(row));
            admitted.together.insert(object, key, known, is_decided);
        }
        let known_sequence = is_decided.then_some(first - 1);
        let inbox = self.inbox_batch(&batch, &compared, known_sequence)?;
        if inbox.versions.rows().num_rows() > 0 {
            if candidates.iter().all(|candidate| candidate.request.deletion.is_none()) {
                add_sources(inbox.versions.rows(), &mut admitted.data_sources)?;
            }
            admitted.next_sequence = first + batch.rows().num_rows() as i64;
            admitted.add_rows(object, first, &inbox)?;
        }
        Ok(())
    }

    /// Adds the results of rows to the answers; `first` is the sequence of the first row, `last`
    /// the one before the rows that are stored.
    fn report(
        &self,
        object: ObjectType,
        candidates: &mut [&mut Candidate<'_>],
        compared: &DiffResult,
        plans: &ByKey<KnownId>,
        (first, mut last): (i64, i64),
    ) -> Result<()> {
        let mut from = 0;
        for candidate in candidates {
            candidate.report(object, &compared.statuses[from..], plans)?;
            let until = from + candidate.rows[&object].rows.num_rows();
            // A request that changes nothing gets the sequence before it.
            if self.keeps_all || compared.kept[from..until].contains(&true) {
                last = first + until as i64 - 1;
            }
            candidate.answer.sequence = last;
            from = until;
        }
        Ok(())
    }

    /// The rows to store, with the results of their comparison.
    fn inbox_batch(
        &self,
        batch: &StoredBatch,
        compared: &DiffResult,
        known_sequence: Option<i64>,
    ) -> Result<InboxBatch> {
        let wanted: BooleanArray =
            compared.kept.iter().map(|kept| Some(*kept || self.keeps_all)).collect();
        let mut left: Vec<Option<&str>> = vec![None; wanted.len()];
        for (row, customer) in &compared.left_customers {
            left[*row as usize] = Some(customer);
        }
        let left = filter(&StringArray::from(left), &wanted)?;
        Ok(InboxBatch {
            versions: batch.with_superseded(compared.supersedes.clone())?.filter(&wanted)?,
            left_customers: Some(left.as_string::<i32>().clone()),
            known_sequence,
        })
    }
}

impl AdmittedRequests {
    /// Adds rows of a type, whose sequences end before `next_sequence`.
    fn add_rows(
        &mut self,
        object: ObjectType,
        first_sequence: i64,
        batch: &InboxBatch,
    ) -> Result<()> {
        let (rows, memory_bytes) = batch.to_bytes()?;
        let last_sequence = self.next_sequence - 1;
        // A request with rows of other types before these ends with these.
        self.inbox.iter_mut().for_each(|before| before.request_last_sequence = last_sequence);
        self.inbox.push(InboxRows {
            object,
            first_sequence,
            last_sequence,
            request_last_sequence: last_sequence,
            rows,
            memory_bytes,
        });
        Ok(())
    }
}

impl Request {
    /// Whether this and another request, both of plain rows of one type, can be validated in one
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

/// Adds the data sources of rows.
fn add_sources(rows: &RecordBatch, sources: &mut BTreeSet<String>) -> Result<()> {
    let mut last = None;
    for source in column(rows, "data_source")?.as_string::<i32>().iter().flatten() {
        if last.replace(source) != Some(source) {
            sources.insert(source.to_string());
        }
    }
    Ok(())
}
