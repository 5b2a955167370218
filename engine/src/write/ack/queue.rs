//! The acknowledger: the way to the desk, where requests are admitted and made durable, and what
//! may wait before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::catalog::InboxRows;
use crate::config::PushLimits;
use crate::error::{Error, Result};
use crate::files::WriterLock;
use crate::store::{SnapshotFiles, Store};
use crate::write::ack::commit_loop::Desk;
use crate::write::ack::request::Request;
use crate::write::ack::unpublished::Unpublished;
use crate::write::push::Pushed;

pub(super) enum Message {
    Push(Box<Request>, oneshot::Sender<Result<Pushed>>),
    /// Reserve sequences for an import; until it is over, nothing counts as unchanged.
    Reserve(i64, oneshot::Sender<Reserved>),
    /// What was acknowledged up to a sequence is published.
    Published(Arc<SnapshotFiles>, i64),
    /// An import is over; the newest snapshot.
    ImportOver(Arc<SnapshotFiles>),
    /// Acknowledge nothing more; who asks is told when that is so.
    Close(oneshot::Sender<()>),
}

/// Sequences for an import, which is at work while it holds this.
pub(crate) struct Reserved {
    pub(crate) first_sequence: i64,
    pub(super) _at_work: Arc<()>,
}

/// The way to the desk, which ends with this.
pub(crate) struct Acknowledger {
    messages: mpsc::Sender<Message>,
    unpublished: Arc<Unpublished>,
    last_sequence: Arc<AtomicI64>,
    limits: PushLimits,
    /// Bytes of the requests that wait for their acknowledgement.
    held_bytes: Arc<AtomicU64>,
}

impl Acknowledger {
    /// Opens the desk, on a thread of its own: what it does is work and waiting for the disk, and
    /// no request waits for another thread. It holds the directory until it has ended.
    pub(crate) async fn start(
        store: &Arc<Store>,
        pinned: Arc<SnapshotFiles>,
        inbox: &[InboxRows],
        lock: WriterLock,
    ) -> Result<Acknowledger> {
        let (messages, received) = mpsc::channel(store.config.push.requests_waiting.max(1));
        let unpublished = Arc::new(Unpublished::new(inbox));
        let desk = Desk::open(store, pinned, inbox, Arc::clone(&unpublished), lock).await?;
        let (last_sequence, limits, runtime) = (desk.told(), store.config.push, Handle::current());
        // It ends when nobody can send to it any more; no runtime waits for it.
        std::thread::Builder::new()
            .name("mrrow-desk".to_string())
            .spawn(move || runtime.block_on(desk.run(received)))
            .map_err(|error| {
                Error::Internal(format!("start the thread that acknowledges: {error}"))
            })?;
        Ok(Acknowledger {
            messages,
            unpublished,
            last_sequence,
            limits,
            held_bytes: Arc::default(),
        })
    }

    /// Returns once the request is durable, or refused.
    pub(crate) async fn push(&self, request: Request) -> Result<Pushed> {
        if self.unpublished.bytes() > self.limits.inbox_bytes {
            return Err(Error::Overloaded);
        }
        let _waiting = Held::take(&self.held_bytes, request.bytes(), self.limits.waiting_bytes)?;
        let (reply, answer) = oneshot::channel();
        self.messages.try_send(Message::Push(Box::new(request), reply)).map_err(
            |error| match error {
                TrySendError::Full(_) => Error::Overloaded,
                TrySendError::Closed(_) => closed(),
            },
        )?;
        answer.await.map_err(|_| closed())?
    }

    /// Reserves so many sequences for an import; what is acknowledged later has later ones.
    pub(crate) async fn reserve(&self, rows: i64) -> Result<Reserved> {
        let (reply, reserved) = oneshot::channel();
        self.send(Message::Reserve(rows, reply)).await?;
        reserved.await.map_err(|_| closed())
    }

    pub(crate) async fn published(&self, pinned: Arc<SnapshotFiles>, until: i64) -> Result<()> {
        self.send(Message::Published(pinned, until)).await
    }

    pub(crate) async fn import_over(&self, pinned: Arc<SnapshotFiles>) -> Result<()> {
        self.send(Message::ImportOver(pinned)).await
    }

    /// Returns when what came before is answered, and nothing that comes after will be.
    pub(crate) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.send(Message::Close(reply)).await.is_ok() {
            // Whoever closed it before has had its answer.
            let _ = closed.await;
        }
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
    /// Counts a request, unless others hold so much that it has to come again; alone it may be of
    /// any size.
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
