//! The commit loop: requests that wait together are validated in the order of their receipt, made
//! durable in one transaction (a group commit), then all are answered.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{mpsc, oneshot, watch};

use crate::catalog::{Acknowledgement, InboxConnection, InboxRows};
use crate::error::{Error, Result};
use crate::files::WriterLock;
use crate::store::{ImportState, SequenceTurn, SnapshotFiles, Store};
use crate::write::ack::answer::PushResult;
use crate::write::ack::group::{Group, GroupStart};
use crate::write::ack::idempotency::RememberedAnswers;
use crate::write::ack::message::{CommitMessage, PushMessage, PushReply};
use crate::write::ack::pending::PendingVersions;
use crate::write::ack::request::Request;
use crate::write::ack::unpublished::UnpublishedBytes;

/// Requests that one transaction acknowledges at most.
const REQUESTS_TOGETHER_MAX: usize = 256;

/// The state of the loop between two groups.
pub(super) struct CommitLoop {
    store: Arc<Store>,
    catalog: InboxConnection,
    /// The newest snapshot that this process knows.
    newest: watch::Receiver<Option<Arc<SnapshotFiles>>>,
    pinned: Arc<SnapshotFiles>,
    pending: PendingVersions,
    /// Rows up to this sequence may be in the inbox although their commit has failed.
    uncertain_until: i64,
    unpublished: Arc<UnpublishedBytes>,
    /// No other process may reserve sequences meanwhile.
    _lock: WriterLock,
}

impl CommitLoop {
    /// Starts with the newest snapshot and the rows in the inbox.
    pub(super) async fn open(
        store: &Arc<Store>,
        pinned: Arc<SnapshotFiles>,
        inbox: &[InboxRows],
        unpublished: Arc<UnpublishedBytes>,
        lock: WriterLock,
    ) -> Result<CommitLoop> {
        let acknowledged = inbox.last().map_or(0, |last| last.last_sequence);
        store.sequences.start_after(acknowledged.max(pinned.info.last_sequence));
        Ok(CommitLoop {
            store: Arc::clone(store),
            catalog: store.catalog.inbox_connection().await?,
            newest: store.sequences.newest(),
            pending: PendingVersions::of_inbox(inbox, pinned.info.last_sequence)?,
            pinned,
            uncertain_until: 0,
            unpublished,
            _lock: lock,
        })
    }

    /// Runs until it is closed, or all senders are dropped. Requests that are queued then have no
    /// caller any more; they are dropped.
    pub(super) async fn run(mut self, mut messages: mpsc::Receiver<CommitMessage>) {
        let mut closed = None;
        while closed.is_none() {
            tokio::select! {
                biased;
                message = messages.recv() => match message {
                    Some(message) if !messages.is_closed() => {
                        closed = self.acknowledge_queued(message, &mut messages).await;
                    }
                    _ => break,
                },
                Ok(()) = self.newest.changed() => self.read_newest(),
            }
        }
        let CommitLoop { catalog, _lock: lock, .. } = self;
        catalog.close();
        drop(lock);
        if let Some(reply) = closed {
            // The caller may have gone.
            let _ = reply.send(());
        }
    }

    /// Acknowledges a message and those that are queued behind it; the reply to a message that
    /// closes the loop.
    async fn acknowledge_queued(
        &mut self,
        first: CommitMessage,
        messages: &mut mpsc::Receiver<CommitMessage>,
    ) -> Option<oneshot::Sender<()>> {
        let (mut together, mut closed) = (Vec::new(), None);
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                CommitMessage::Push(push) => together.push(push),
                CommitMessage::Close(reply) => {
                    closed = Some(reply);
                    break;
                }
            }
            next = if together.len() < REQUESTS_TOGETHER_MAX {
                messages.try_recv().ok()
            } else {
                None
            };
        }
        self.acknowledge(together).await;
        closed
    }

    /// Takes over the newest snapshot, and forgets the pending versions that are in it.
    fn read_newest(&mut self) {
        let newest = self.newest.borrow_and_update().clone();
        if let Some(newest) = newest.filter(|newest| newest.info.id > self.pinned.info.id) {
            self.pending.forget_until(newest.info.last_sequence);
            self.pinned = newest;
        }
    }

    /// Whether the comparison knows all rows with earlier sequences: no import is running.
    async fn knows_imports(&self) -> bool {
        // An abandoned import sends no message. Its commit may have succeeded, or may still run.
        if self.store.sequences.import() == ImportState::Abandoned
            && self.store.catalog.settle().await.is_ok()
            && self.store.pinned().await.is_ok()
        {
            self.store.sequences.settle_import();
        }
        self.store.sequences.import() == ImportState::Over
    }

    /// Validates requests, makes them durable in one transaction, and answers them.
    async fn acknowledge(&mut self, requests: Vec<PushMessage>) {
        let (requests, answers) = self.with_answers(requests).await;
        if requests.is_empty() {
            return;
        }
        let store = Arc::clone(&self.store);
        let turn = store.sequences.turn().await;
        // The snapshot of an import is published before the import is over.
        let knows_imports = self.knows_imports().await;
        self.read_newest();
        let received_at = requests[0].request.received_at;
        let start = GroupStart {
            store: &store,
            pinned: &self.pinned,
            pending: &self.pending,
            first_sequence: turn.next(),
            last_sequence: store.sequences.acknowledged().unwrap_or_default(),
            keeps_all: !knows_imports,
            knows_all: knows_imports && self.pinned.info.last_sequence >= self.uncertain_until,
        };
        let Group { next_sequence, together, acknowledgement, answered, .. } =
            Group::admit(&start, requests, answers);
        turn.reserve_until(next_sequence);
        let durable = self.make_durable(&acknowledgement, received_at, &turn).await;
        match durable {
            Ok(()) => self.pending.extend(together),
            Err(_) => self.uncertain_until = next_sequence - 1,
        }
        drop(turn);
        answer(answered, durable);
    }

    async fn make_durable(
        &mut self,
        acknowledgement: &Acknowledgement,
        received_at: DateTime<Utc>,
        turn: &SequenceTurn<'_>,
    ) -> Result<()> {
        if acknowledgement.rows.is_empty() && acknowledgement.answers.is_empty() {
            return Ok(());
        }
        self.unpublished.add(&acknowledgement.rows);
        let durable = self.catalog.acknowledge(acknowledgement, received_at).await;
        match durable {
            Ok(()) => {
                if let Some(last) = acknowledgement.rows.last() {
                    turn.acknowledge(last.last_sequence);
                }
                self.unpublished.notify();
            }
            Err(_) => self.unpublished.take_back(&acknowledgement.rows),
        }
        durable
    }

    /// The requests, and the remembered responses to those with idempotency keys. If the responses
    /// cannot be read, requests with keys are refused.
    async fn with_answers(
        &self,
        requests: Vec<PushMessage>,
    ) -> (Vec<PushMessage>, RememberedAnswers) {
        let key = |request: &Request| {
            request.idempotency.as_ref().map(|key| (key.scope.clone(), key.key.clone()))
        };
        let keys: Vec<_> = requests.iter().filter_map(|push| key(&push.request)).collect();
        if keys.is_empty() {
            return (requests, RememberedAnswers::default());
        }
        let retained =
            TimeDelta::from_std(self.store.config.push.idempotency_kept).unwrap_or(TimeDelta::MAX);
        let received_at = requests[0].request.received_at;
        let after = received_at.checked_sub_signed(retained).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let error = match self.store.catalog.answers(keys, after).await {
            Ok(remembered) => return (requests, RememberedAnswers::new(remembered)),
            Err(error) => error.to_string(),
        };
        let (others, keyed): (Vec<_>, Vec<_>) =
            requests.into_iter().partition(|push| push.request.idempotency.is_none());
        for push in keyed {
            let _ = push.reply.send(Err(Error::NotAcknowledged(error.clone())));
        }
        (others, RememberedAnswers::default())
    }
}

fn answer(answered: Vec<(Result<PushResult>, PushReply)>, durable: Result<()>) {
    let failure = durable.err().map(|error| error.to_string());
    for (pushed, reply) in answered {
        let answer = match (&failure, pushed) {
            (_, Err(error)) => Err(error),
            // Unchanged rows too: they may have been compared with rows that are not stored.
            (Some(failure), Ok(_)) => Err(Error::NotAcknowledged(failure.clone())),
            (None, Ok(pushed)) => Ok(pushed),
        };
        let _ = reply.send(answer);
    }
}
