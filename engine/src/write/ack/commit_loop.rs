//! The desk: requests are admitted in the order of their receipt, those that wait together are made
//! durable in one transaction, then all of them are answered.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Weak};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{mpsc, oneshot};

use crate::catalog::{Acknowledgement, InboxConnection, InboxRows, RememberedAnswer};
use crate::error::{Error, Result};
use crate::files::WriterLock;
use crate::store::{SnapshotFiles, Store};
use crate::write::ack::idempotency::{Answers, remember};
use crate::write::ack::pending::{Known, Pending};
use crate::write::ack::queue::{Message, Reserved};
use crate::write::ack::request::Request;
use crate::write::ack::unpublished::Unpublished;
use crate::write::ack::validate::{Admission, Admitted};
use crate::write::push::Pushed;

/// Requests that one transaction acknowledges at most.
const REQUESTS_TOGETHER_MAX: usize = 256;

/// Bytes of requests that are admitted in one step.
const SIDE_BY_SIDE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// What is known where requests are acknowledged.
pub(super) struct Desk {
    store: Arc<Store>,
    catalog: InboxConnection,
    pinned: Arc<SnapshotFiles>,
    pending: Pending,
    next_sequence: i64,
    /// The last sequence that is acknowledged or published.
    last_sequence: i64,
    /// The same, for others to see.
    told: Arc<AtomicI64>,
    /// The import that has reserved sequences and is not heard to be over.
    importing: Option<Weak<()>>,
    unpublished: Arc<Unpublished>,
    /// Nobody else may give out sequences while this may.
    _lock: WriterLock,
}

type Reply = oneshot::Sender<Result<Pushed>>;
type Waiting = (Box<Request>, Reply);

/// The requests of one transaction, as far as they have been admitted.
struct Group {
    next_sequence: i64,
    last_sequence: i64,
    together: Pending,
    acknowledged: Acknowledgement,
    answered: Vec<(Result<Pushed>, Reply)>,
}

impl Desk {
    /// Knows what is published, and what is acknowledged besides.
    pub(super) async fn open(
        store: &Arc<Store>,
        pinned: Arc<SnapshotFiles>,
        inbox: &[InboxRows],
        unpublished: Arc<Unpublished>,
        lock: WriterLock,
    ) -> Result<Desk> {
        let last_sequence =
            inbox.last().map_or(0, |last| last.last_sequence).max(pinned.info.last_sequence);
        Ok(Desk {
            store: Arc::clone(store),
            catalog: store.catalog.inbox_connection().await?,
            pinned,
            pending: Pending::of_inbox(inbox)?,
            next_sequence: last_sequence + 1,
            last_sequence,
            told: Arc::new(AtomicI64::new(last_sequence)),
            importing: None,
            unpublished,
            _lock: lock,
        })
    }

    /// Where the last sequence that is acknowledged or published can be seen.
    pub(super) fn told(&self) -> Arc<AtomicI64> {
        Arc::clone(&self.told)
    }

    /// Works until it is closed, or nobody can send any more: what still waits then is waited for
    /// by nobody, and not acknowledged.
    pub(super) async fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let mut closed = None;
        while closed.is_none()
            && let Some(message) = messages.recv().await
            && !messages.is_closed()
        {
            let mut together = Vec::new();
            let mut next = Some(message);
            while let Some(message) = next {
                match message {
                    Message::Push(request, reply) => together.push((request, reply)),
                    Message::Close(reply) => {
                        closed = Some(reply);
                        break;
                    }
                    other => {
                        // What came before it is acknowledged before it is heard.
                        self.acknowledge(std::mem::take(&mut together)).await;
                        self.hear(other);
                    }
                }
                next = if together.len() < REQUESTS_TOGETHER_MAX {
                    messages.try_recv().ok()
                } else {
                    None
                };
            }
            self.acknowledge(together).await;
        }
        let Desk { catalog, _lock: lock, .. } = self;
        catalog.close();
        drop(lock);
        if let Some(reply) = closed {
            // Who asked may have gone.
            let _ = reply.send(());
        }
    }

    fn hear(&mut self, message: Message) {
        match message {
            Message::Push(..) | Message::Close(_) => {}
            Message::Reserve(rows, reply) => {
                // Who asked may have gone; then the numbers are not used.
                let at_work = Arc::new(());
                self.importing = Some(Arc::downgrade(&at_work));
                let _ =
                    reply.send(Reserved { first_sequence: self.next_sequence, _at_work: at_work });
                self.next_sequence += rows;
            }
            Message::Published(pinned, until) => {
                self.see(pinned);
                self.pending.published(until);
            }
            Message::ImportOver(pinned) => {
                self.see(pinned);
                self.importing = None;
            }
        }
    }

    /// An import that was broken off says nothing; what it may have published, and be it at this
    /// moment, is looked for.
    async fn look_after_import(&mut self) {
        if self.importing.as_ref().is_some_and(|import| import.strong_count() == 0)
            && self.store.catalog.settle().await.is_ok()
            && let Ok(pinned) = self.store.pinned().await
        {
            self.see(Arc::new(pinned));
            self.importing = None;
        }
    }

    /// Of publications side by side one may be heard of after a newer one.
    fn see(&mut self, pinned: Arc<SnapshotFiles>) {
        if pinned.info.id >= self.pinned.info.id {
            self.last_sequence = self.last_sequence.max(pinned.info.last_sequence);
            self.told.store(self.last_sequence, Ordering::Release);
            self.pinned = pinned;
        }
    }

    /// Admits requests, makes them durable in one transaction, and answers.
    async fn acknowledge(&mut self, requests: Vec<Waiting>) {
        let (requests, answers) = self.with_answers(requests).await;
        if requests.is_empty() {
            return;
        }
        self.look_after_import().await;
        let received_at = requests[0].0.received_at;
        let Group { next_sequence, together, acknowledged, answered, .. } =
            self.admit(requests, answers);
        let durable = self.make_durable(&acknowledged, received_at).await;
        // Numbers are not given out twice, even if what failed should turn out to be stored.
        self.next_sequence = next_sequence;
        if durable.is_ok() {
            self.pending.extend(together);
            self.last_sequence =
                acknowledged.rows.last().map_or(self.last_sequence, |rows| rows.last_sequence);
            self.told.store(self.last_sequence, Ordering::Release);
        }
        answer(answered, durable);
    }

    async fn make_durable(
        &mut self,
        acknowledged: &Acknowledgement,
        received_at: DateTime<Utc>,
    ) -> Result<()> {
        if acknowledged.rows.is_empty() && acknowledged.answers.is_empty() {
            return Ok(());
        }
        self.unpublished.add(&acknowledged.rows);
        let durable = self.catalog.acknowledge(acknowledged, received_at).await;
        match durable {
            Ok(()) => self.unpublished.tell(),
            Err(_) => self.unpublished.take_back(&acknowledged.rows),
        }
        durable
    }

    /// The requests with the answers that are known to them; those whose keys cannot be looked up
    /// are refused.
    async fn with_answers(&self, requests: Vec<Waiting>) -> (Vec<Waiting>, Answers) {
        let key = |request: &Request| {
            request.idempotency.as_ref().map(|key| (key.scope.clone(), key.key.clone()))
        };
        let keys: Vec<_> = requests.iter().filter_map(|(request, _)| key(request)).collect();
        if keys.is_empty() {
            return (requests, Answers::default());
        }
        let kept =
            TimeDelta::from_std(self.store.config.push.idempotency_kept).unwrap_or(TimeDelta::MAX);
        let after =
            requests[0].0.received_at.checked_sub_signed(kept).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let error = match self.store.catalog.answers(keys, after).await {
            Ok(remembered) => return (requests, Answers::new(remembered)),
            Err(error) => error.to_string(),
        };
        let (others, keyed): (Vec<_>, Vec<_>) =
            requests.into_iter().partition(|(request, _)| request.idempotency.is_none());
        for (_, reply) in keyed {
            // Who asked may have gone.
            let _ = reply.send(Err(Error::NotAcknowledged(error.clone())));
        }
        (others, Answers::default())
    }

    /// Admits requests, those that go together in one step.
    fn admit(&self, requests: Vec<Waiting>, mut answers: Answers) -> Group {
        let mut group = Group {
            next_sequence: self.next_sequence,
            last_sequence: self.last_sequence,
            together: Pending::default(),
            acknowledged: Acknowledgement::default(),
            answered: Vec::with_capacity(requests.len()),
        };
        let mut waiting = requests.into_iter().peekable();
        while let Some((first, reply)) = waiting.next() {
            let (mut bytes, mut side_by_side, mut replies) =
                (first.bytes(), vec![*first], vec![reply]);
            while let Some((next, reply)) = waiting.next_if(|(next, _)| {
                bytes + next.bytes() <= SIDE_BY_SIDE_BYTES_MAX && side_by_side[0].goes_with(next)
            }) {
                bytes += next.bytes();
                side_by_side.push(*next);
                replies.push(reply);
            }
            self.admit_side_by_side(side_by_side, replies, &mut answers, &mut group);
        }
        group
    }

    fn admit_side_by_side(
        &self,
        requests: Vec<Request>,
        replies: Vec<Reply>,
        answers: &mut Answers,
        group: &mut Group,
    ) {
        if requests.len() > 1 {
            let admitted = self.admission(group).run_unless_it_panics(&requests);
            if let Ok(admitted) = admitted {
                let pushed = group.take(admitted);
                group.answered.extend(pushed.into_iter().map(Ok).zip(replies));
                return;
            }
        }
        // Alone, or what failed together: who is not at fault is admitted.
        for (request, reply) in requests.into_iter().zip(replies) {
            let pushed = self.admit_once(request, answers, group);
            group.answered.push((pushed, reply));
        }
    }

    /// Admits a request, unless it repeats one that is answered.
    fn admit_once(
        &self,
        mut request: Request,
        answers: &mut Answers,
        group: &mut Group,
    ) -> Result<Pushed> {
        let key = request.idempotency.take();
        if let Some(key) = &key
            && let Some(answer) = answers.find(key)?
        {
            return Ok(answer);
        }
        let admitted =
            self.admission(group).run_unless_it_panics(std::slice::from_ref(&request))?;
        let pushed = group.take(admitted).into_iter().next();
        let pushed = pushed.ok_or_else(|| {
            Error::Internal("a request was admitted without an answer".to_string())
        })?;
        if let Some(key) = key.filter(|_| pushed.stored) {
            let remembered: RememberedAnswer = remember(key, &pushed)?;
            answers.add(remembered.clone());
            group.acknowledged.answers.push(remembered);
        }
        Ok(pushed)
    }

    fn admission<'a>(&'a self, group: &'a Group) -> Admission<'a> {
        let known = Known {
            store: &self.store,
            pinned: &self.pinned,
            pending: &self.pending,
            together: &group.together,
        };
        let (first_sequence, last_sequence) = (group.next_sequence, group.last_sequence);
        Admission { known, first_sequence, last_sequence, keep_all: self.importing.is_some() }
    }
}

impl Group {
    /// Takes what was admitted; the answers to its requests.
    fn take(&mut self, admitted: Admitted) -> Vec<Pushed> {
        let Admitted { answers, inbox, data_sources, next_sequence, together } = admitted;
        self.next_sequence = next_sequence;
        self.last_sequence = inbox.last().map_or(self.last_sequence, |rows| rows.last_sequence);
        self.together.extend(together);
        self.acknowledged.rows.extend(inbox);
        self.acknowledged.data_sources.extend(data_sources);
        answers
    }
}

fn answer(answered: Vec<(Result<Pushed>, Reply)>, durable: Result<()>) {
    let failure = durable.err().map(|error| error.to_string());
    for (pushed, reply) in answered {
        let answer = match (&failure, pushed) {
            (_, Err(error)) => Err(error),
            // Also what seemed unchanged: it may have been compared with what is not stored now.
            (Some(failure), Ok(_)) => Err(Error::NotAcknowledged(failure.clone())),
            (None, Ok(pushed)) => Ok(pushed),
        };
        // Who asked may have gone.
        let _ = reply.send(answer);
    }
}
