//! Queue in front of the commit loop, bounded in requests and bytes.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::budget::Budget;
use crate::catalog::InboxRows;
use crate::error::{Error, Result};
use crate::files::WriterLock;
use crate::store::{SnapshotFiles, Store};
use crate::write::ack::answer::PushResult;
use crate::write::ack::commit_loop::CommitLoop;
use crate::write::ack::message::{CommitMessage, PushMessage};
use crate::write::ack::request::Request;
use crate::write::ack::unpublished::UnpublishedBytes;

/// The queue. The commit loop ends when it is dropped.
pub(crate) struct AckQueue {
    messages: mpsc::Sender<CommitMessage>,
    unpublished: Arc<UnpublishedBytes>,
    /// The bytes that may wait in the inbox for their publication.
    inbox_bytes_max: u64,
    /// The bytes of the requests without a response. A lone request may have any size.
    waiting_bytes: Budget,
}

impl AckQueue {
    /// Starts the commit loop on a thread of its own, because it blocks on the disk. The loop holds
    /// the directory's lock until it has ended.
    pub(crate) async fn start(
        store: &Arc<Store>,
        pinned: Arc<SnapshotFiles>,
        inbox: &[InboxRows],
        lock: WriterLock,
    ) -> Result<AckQueue> {
        let limits = store.config.push;
        let (messages, received) = mpsc::channel(limits.requests_waiting.max(1));
        let unpublished = Arc::new(UnpublishedBytes::new(inbox));
        let commit_loop =
            CommitLoop::open(store, pinned, inbox, Arc::clone(&unpublished), lock).await?;
        let runtime = Handle::current();
        // It ends when the last sender is dropped; the runtime does not wait for it.
        std::thread::Builder::new()
            .name("mrrow-commit".to_string())
            .spawn(move || runtime.block_on(commit_loop.run(received)))
            .map_err(|error| Error::Internal(format!("start the commit loop: {error}")))?;
        Ok(AckQueue {
            messages,
            unpublished,
            inbox_bytes_max: limits.inbox_bytes,
            waiting_bytes: Budget::new(limits.waiting_bytes).lone_may_exceed(),
        })
    }

    /// Returns once the request is durable, or refused.
    pub(crate) async fn push(&self, request: Request) -> Result<PushResult> {
        if !self.has_room() {
            return Err(Error::Overloaded);
        }
        let _bytes = self.waiting_bytes.try_take(request.bytes()).map_err(|_| Error::Overloaded)?;
        let (reply, answer) = oneshot::channel();
        let message = CommitMessage::Push(PushMessage { request: Box::new(request), reply });
        self.messages.try_send(message).map_err(|error| match error {
            TrySendError::Full(_) => Error::Overloaded,
            TrySendError::Closed(_) => Error::Closed,
        })?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Whether the inbox has space for a request.
    pub(crate) fn has_room(&self) -> bool {
        self.unpublished.bytes() <= self.inbox_bytes_max
    }

    /// Whether more than half of the inbox's space is used.
    pub(crate) fn is_half_full(&self) -> bool {
        self.unpublished.bytes() > self.inbox_bytes_max / 2
    }

    /// Returns when the requests in the queue are answered; later ones are refused.
    pub(crate) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.messages.send(CommitMessage::Close(reply)).await.is_ok() {
            // An error means that the loop has ended.
            let _ = closed.await;
        }
    }

    /// The rows that wait for their publication.
    pub(crate) fn unpublished(&self) -> &UnpublishedBytes {
        &self.unpublished
    }
}
