//! A group: the requests of one transaction, validated one after another.

use crate::catalog::{Acknowledgement, RememberedAnswer};
use crate::error::{Error, Result};
use crate::store::{SnapshotFiles, Store};
use crate::write::ack::answer::PushResult;
use crate::write::ack::idempotency::{RememberedAnswers, remember};
use crate::write::ack::message::{PushMessage, PushReply};
use crate::write::ack::pending::{PendingVersions, VersionLookup};
use crate::write::ack::request::Request;
use crate::write::ack::validate::{Admission, AdmittedRequests};

/// Bytes of requests that are validated in one step.
const STEP_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The state on which a group is validated.
pub(super) struct GroupStart<'a> {
    pub(super) store: &'a Store,
    pub(super) pinned: &'a SnapshotFiles,
    pub(super) pending: &'a PendingVersions,
    pub(super) first_sequence: i64,
    /// The last sequence that is acknowledged or published.
    pub(super) last_sequence: i64,
    /// Unchanged rows are stored too: an import with earlier sequences is running.
    pub(super) keeps_all: bool,
    /// All versions with earlier sequences are known.
    pub(super) knows_all: bool,
}

/// The requests of one transaction, as far as they are validated.
pub(super) struct Group {
    pub(super) next_sequence: i64,
    last_sequence: i64,
    /// The versions in it.
    pub(super) together: PendingVersions,
    pub(super) acknowledgement: Acknowledgement,
    pub(super) answered: Vec<(Result<PushResult>, PushReply)>,
}

impl Group {
    /// Validates requests. Similar ones that follow one another are validated in one step.
    pub(super) fn admit(
        start: &GroupStart<'_>,
        requests: Vec<PushMessage>,
        mut answers: RememberedAnswers,
    ) -> Group {
        let mut group = Group {
            next_sequence: start.first_sequence,
            last_sequence: start.last_sequence,
            together: PendingVersions::default(),
            acknowledgement: Acknowledgement::default(),
            answered: Vec::with_capacity(requests.len()),
        };
        let mut waiting = requests.into_iter().peekable();
        while let Some(PushMessage { request: first, reply }) = waiting.next() {
            let (mut bytes, mut step, mut replies) = (first.bytes(), vec![*first], vec![reply]);
            while let Some(PushMessage { request: next, reply }) = waiting.next_if(|next| {
                bytes + next.request.bytes() <= STEP_BYTES_MAX && step[0].goes_with(&next.request)
            }) {
                bytes += next.bytes();
                step.push(*next);
                replies.push(reply);
            }
            group.admit_step(start, step, replies, &mut answers);
        }
        group
    }

    fn admit_step(
        &mut self,
        start: &GroupStart<'_>,
        requests: Vec<Request>,
        replies: Vec<PushReply>,
        answers: &mut RememberedAnswers,
    ) {
        if requests.len() > 1
            && let Ok(admitted) = self.admission(start).run_unless_it_panics(&requests)
        {
            let pushed = self.add(admitted);
            self.answered.extend(pushed.into_iter().map(Ok).zip(replies));
            return;
        }
        // A lone request, or a step that failed: then only the request at fault is refused.
        for (request, reply) in requests.into_iter().zip(replies) {
            let pushed = self.admit_once(start, request, answers);
            self.answered.push((pushed, reply));
        }
    }

    /// Validates a request, unless it repeats one that is answered.
    fn admit_once(
        &mut self,
        start: &GroupStart<'_>,
        mut request: Request,
        answers: &mut RememberedAnswers,
    ) -> Result<PushResult> {
        let key = request.idempotency.take();
        if let Some(key) = &key
            && let Some(answer) = answers.find(key)?
        {
            return Ok(answer);
        }
        let admitted =
            self.admission(start).run_unless_it_panics(std::slice::from_ref(&request))?;
        let pushed = self.add(admitted).into_iter().next();
        let pushed = pushed.ok_or_else(|| {
            Error::Internal("a request was admitted without an answer".to_string())
        })?;
        if let Some(key) = key.filter(|_| pushed.stored) {
            let remembered: RememberedAnswer = remember(key, &pushed)?;
            answers.add(remembered.clone());
            self.acknowledgement.answers.push(remembered);
        }
        Ok(pushed)
    }

    fn admission<'a>(&'a self, start: &'a GroupStart<'a>) -> Admission<'a> {
        Admission {
            versions: VersionLookup {
                store: start.store,
                pinned: start.pinned,
                pending: start.pending,
                together: &self.together,
            },
            first_sequence: self.next_sequence,
            last_sequence: self.last_sequence,
            keeps_all: start.keeps_all,
            knows_all: start.knows_all,
        }
    }

    /// Adds validated requests, and returns the answers to them.
    fn add(&mut self, admitted: AdmittedRequests) -> Vec<PushResult> {
        let AdmittedRequests { answers, inbox, data_sources, next_sequence, together } = admitted;
        self.next_sequence = next_sequence;
        self.last_sequence = inbox.last().map_or(self.last_sequence, |rows| rows.last_sequence);
        self.together.extend(together);
        self.acknowledgement.rows.extend(inbox);
        self.acknowledgement.data_sources.extend(data_sources);
        answers
    }
}
