//! The acknowledger: one task that admits requests in the order of their receipt and makes those that wait together durable in one
//! transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use datafusion::common::runtime::SpawnedTask;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::Pushed;
use super::admission::{Admission, Admitted};
use super::idempotency::{Answers, remember};
use super::pending::{Known, Pending};
use super::request::Request;
use super::unpublished::Unpublished;
use crate::core::{Core, Pinned};
use crate::error::{Error, Result};
use crate::store::{Acknowledged, InboxRows};

/// Requests that one transaction acknowledges at most.
const REQUESTS_TOGETHER_MAX: usize = 256;

enum Message {
    Push(Box<Request>, oneshot::Sender<Result<Pushed>>),
    /// Reserve sequences for an import; until it is over, nothing counts as unchanged.
    Reserve(i64, oneshot::Sender<i64>),
    /// What was acknowledged up to a sequence is published.
    Published(Arc<Pinned>, i64),
    /// An import is over; the newest snapshot.
    ImportOver(Arc<Pinned>),
}

/// The way to the task; it ends with this.
pub(crate) struct Acknowledger {
    messages: mpsc::Sender<Message>,
    unpublished: Arc<Unpublished>,
    last_sequence: Arc<AtomicI64>,
    inbox_bytes_max: u64,
    /// Bytes of the requests that wait for their acknowledgement.
    held_bytes: Arc<AtomicU64>,
    _task: SpawnedTask<()>,
}

impl Acknowledger {
    /// Starts the task on what is published, and what is acknowledged besides.
    pub(crate) fn start(core: &Arc<Core>, pinned: Arc<Pinned>, inbox: &[InboxRows]) -> Result<Acknowledger> {
        let (messages, received) = mpsc::channel(core.config.push.requests_waiting.max(1));
        let unpublished = Arc::new(Unpublished::new(bytes_of(inbox)));
        let last_sequence = inbox.last().map_or(0, |last| last.last_sequence).max(pinned.info.last_sequence);
        let told = Arc::new(AtomicI64::new(last_sequence));
        let desk = Desk {
            core: Arc::clone(core),
            pinned,
            pending: Pending::of_inbox(inbox)?,
            next_sequence: last_sequence + 1,
            last_sequence,
            told: Arc::clone(&told),
            importing: false,
            unpublished: Arc::clone(&unpublished),
        };
        let inbox_bytes_max = core.config.push.inbox_bytes;
        let (held_bytes, _task) = (Arc::default(), SpawnedTask::spawn(desk.run(received)));
        Ok(Acknowledger { messages, unpublished, last_sequence: told, inbox_bytes_max, held_bytes, _task })
    }

    /// Returns once the request is durable, or refused.
    pub(crate) async fn push(&self, request: Request) -> Result<Pushed> {
        if self.unpublished.bytes() > self.inbox_bytes_max {
            return Err(Error::Overloaded);
        }
        let _waiting = Held::take(&self.held_bytes, request.bytes(), self.inbox_bytes_max)?;
        let (reply, answer) = oneshot::channel();
        self.messages.try_send(Message::Push(Box::new(request), reply)).map_err(|error| match error {
            TrySendError::Full(_) => Error::Overloaded,
            TrySendError::Closed(_) => closed(),
        })?;
        answer.await.map_err(|_| closed())?
    }

    /// Reserves so many sequences for an import and returns the first; what is acknowledged later has later ones.
    pub(crate) async fn reserve(&self, rows: i64) -> Result<i64> {
        let (reply, first) = oneshot::channel();
        self.send(Message::Reserve(rows, reply)).await?;
        first.await.map_err(|_| closed())
    }

    pub(crate) async fn published(&self, pinned: Arc<Pinned>, until: i64) -> Result<()> {
        self.send(Message::Published(pinned, until)).await
    }

    pub(crate) async fn import_over(&self, pinned: Arc<Pinned>) -> Result<()> {
        self.send(Message::ImportOver(pinned)).await
    }

    /// The last sequence that is acknowledged or published.
    pub(crate) fn last_sequence(&self) -> i64 {
        self.last_sequence.load(Ordering::Acquire)
    }

    /// What waits for its publication.
    pub(crate) fn unpublished(&self) -> &Unpublished {
        &self.unpublished
    }

    async fn send(&self, message: Message) -> Result<()> {
        self.messages.send(message).await.map_err(|_| closed())
    }
}

/// Memory that a request holds until it is answered.
struct Held {
    all: Arc<AtomicU64>,
    bytes: u64,
}

impl Held {
    /// Counts a request, unless others hold so much that it has to come again; alone it may be of any size.
    fn take(all: &Arc<AtomicU64>, bytes: u64, bytes_max: u64) -> Result<Held> {
        let others = all.fetch_add(bytes, Ordering::AcqRel);
        let held = Held { all: Arc::clone(all), bytes };
        if others > 0 && others + bytes > bytes_max { Err(Error::Overloaded) } else { Ok(held) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

fn closed() -> Error {
    Error::Closed
}

fn bytes_of(inbox: &[InboxRows]) -> u64 {
    inbox.iter().map(|rows| rows.rows.len() as u64).sum()
}

/// What the task knows.
struct Desk {
    core: Arc<Core>,
    pinned: Arc<Pinned>,
    pending: Pending,
    next_sequence: i64,
    /// The last sequence that is acknowledged or published.
    last_sequence: i64,
    /// The same, for others to see.
    told: Arc<AtomicI64>,
    importing: bool,
    unpublished: Arc<Unpublished>,
}

type Waiting = (Box<Request>, oneshot::Sender<Result<Pushed>>);
type Answered = (Result<Admitted>, oneshot::Sender<Result<Pushed>>);

impl Desk {
    async fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        while let Some(message) = messages.recv().await {
            let mut together = Vec::new();
            let mut next = Some(message);
            while let Some(message) = next {
                match message {
                    Message::Push(request, reply) => together.push((request, reply)),
                    other => {
                        // What came before it is acknowledged before it is heard.
                        self = self.acknowledge(std::mem::take(&mut together)).await;
                        self.hear(other);
                    }
                }
                next = if together.len() < REQUESTS_TOGETHER_MAX { messages.try_recv().ok() } else { None };
            }
            self = self.acknowledge(together).await;
        }
    }

    fn hear(&mut self, message: Message) {
        match message {
            Message::Push(..) => {}
            Message::Reserve(rows, reply) => {
                // Who asked may have gone; then the numbers are not used.
                let _ = reply.send(self.next_sequence);
                self.next_sequence += rows;
                self.importing = true;
            }
            Message::Published(pinned, until) => {
                self.see(pinned);
                self.pending.published(until);
            }
            Message::ImportOver(pinned) => {
                self.see(pinned);
                self.importing = false;
            }
        }
    }

    /// Of publications side by side one may be heard of after a newer one.
    fn see(&mut self, pinned: Arc<Pinned>) {
        if pinned.info.id >= self.pinned.info.id {
            self.last_sequence = self.last_sequence.max(pinned.info.last_sequence);
            self.told.store(self.last_sequence, Ordering::Release);
            self.pinned = pinned;
        }
    }

    /// Admits requests, makes them durable in one transaction, and answers.
    async fn acknowledge(self, requests: Vec<Waiting>) -> Desk {
        let (requests, answers) = self.with_answers(requests).await;
        if requests.is_empty() {
            return self;
        }
        let received_at = requests[0].0.received_at;
        let admitting = tokio::task::spawn_blocking(move || self.admit(requests, answers)).await;
        let (mut desk, mut answered, together, next_sequence) = match admitting {
            Ok(admitted) => admitted,
            // A panic has been told by its thread; without the desk there is nothing to go on with.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        let mut acknowledged = Acknowledged::default();
        for admitted in answered.iter_mut().filter_map(|(admitted, _)| admitted.as_mut().ok()) {
            acknowledged.rows.append(&mut admitted.inbox);
            acknowledged.data_sources.append(&mut admitted.data_sources);
            acknowledged.answers.extend(admitted.remembered.take());
        }
        let durable = desk.make_durable(&acknowledged, received_at).await;
        // Numbers are not given out twice, even if what failed should turn out to be stored.
        desk.next_sequence = next_sequence;
        if durable.is_ok() {
            desk.pending.extend(together);
            desk.last_sequence = acknowledged.rows.last().map_or(desk.last_sequence, |rows| rows.last_sequence);
            desk.told.store(desk.last_sequence, Ordering::Release);
        }
        answer(answered, durable);
        desk
    }

    async fn make_durable(&self, acknowledged: &Acknowledged, received_at: DateTime<Utc>) -> Result<()> {
        if acknowledged.rows.is_empty() && acknowledged.answers.is_empty() {
            return Ok(());
        }
        let bytes = bytes_of(&acknowledged.rows);
        self.unpublished.add(bytes);
        let durable = self.core.catalog.acknowledge(acknowledged, received_at).await;
        match durable {
            Ok(()) => self.unpublished.tell(),
            Err(_) => self.unpublished.remove(bytes),
        }
        durable
    }

    /// The requests with the answers that are known to them; those whose keys cannot be looked up are refused.
    async fn with_answers(&self, requests: Vec<Waiting>) -> (Vec<Waiting>, Answers) {
        let key = |request: &Request| request.idempotency.as_ref().map(|key| (key.scope.clone(), key.key.clone()));
        let keys: Vec<_> = requests.iter().filter_map(|(request, _)| key(request)).collect();
        if keys.is_empty() {
            return (requests, Answers::default());
        }
        let kept = TimeDelta::from_std(self.core.config.push.idempotency_kept).unwrap_or(TimeDelta::MAX);
        let after = requests[0].0.received_at.checked_sub_signed(kept).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let error = match self.core.catalog.answers(&keys, after).await {
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

    fn admit(self, requests: Vec<Waiting>, mut answers: Answers) -> (Desk, Vec<Answered>, Pending, i64) {
        let mut together = Pending::default();
        let (mut next_sequence, mut last_sequence) = (self.next_sequence, self.last_sequence);
        let mut answered = Vec::with_capacity(requests.len());
        for (request, reply) in requests {
            let known = Known { core: &self.core, pinned: &self.pinned, pending: &self.pending, together: &together };
            let keep_all = self.importing;
            let admission = Admission { known, first_sequence: next_sequence, last_sequence, keep_all };
            let mut admitted = admit_once(&admission, *request, &mut answers);
            if let Ok(admitted) = &mut admitted {
                next_sequence = admitted.next_sequence;
                last_sequence = last_sequence.max(admitted.answer.sequence);
                together.extend(std::mem::take(&mut admitted.together));
            }
            answered.push((admitted, reply));
        }
        (self, answered, together, next_sequence)
    }
}

/// Admits a request, unless it repeats one that is answered.
fn admit_once(admission: &Admission<'_>, mut request: Request, answers: &mut Answers) -> Result<Admitted> {
    let Some(key) = request.idempotency.take() else { return admission.run_unless_it_panics(request) };
    if let Some(answer) = answers.find(&key)? {
        return Ok(Admitted::nothing(answer, admission.first_sequence));
    }
    let mut admitted = admission.run_unless_it_panics(request)?;
    if admitted.answer.stored {
        let remembered = remember(key, &admitted.answer)?;
        answers.add(remembered.clone());
        admitted.remembered = Some(remembered);
    }
    Ok(admitted)
}

fn answer(answered: Vec<Answered>, durable: Result<()>) {
    let failure = durable.err().map(|error| error.to_string());
    for (admitted, reply) in answered {
        let answer = match (&failure, admitted) {
            (_, Err(error)) => Err(error),
            // Also what seemed unchanged: it may have been compared with what is not stored now.
            (Some(failure), Ok(_)) => Err(Error::NotAcknowledged(failure.clone())),
            (None, Ok(admitted)) => Ok(admitted.answer),
        };
        // Who asked may have gone.
        let _ = reply.send(answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_wait_hold_no_more_memory_together_than_they_may() {
        let all = Arc::default();
        let alone = Held::take(&all, 100, 10);
        assert!(alone.is_ok());
        assert!(matches!(Held::take(&all, 1, 10), Err(Error::Overloaded)));
        drop(alone);
        let (first, second) = (Held::take(&all, 6, 10), Held::take(&all, 4, 10));
        assert!(first.is_ok() && second.is_ok());
        assert!(matches!(Held::take(&all, 1, 10), Err(Error::Overloaded)));
        drop((first, second));
        assert_eq!(all.load(Ordering::Acquire), 0);
    }
}
