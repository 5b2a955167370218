//! Messages to the commit loop.

use tokio::sync::oneshot;

use crate::error::Result;
use crate::write::ack::answer::PushResult;
use crate::write::ack::request::Request;

/// A message to the commit loop.
pub(super) enum CommitMessage {
    Push(PushMessage),
    /// Acknowledge nothing more; the reply comes when the loop has ended.
    Close(oneshot::Sender<()>),
}

/// A request with the sender of its response.
pub(super) struct PushMessage {
    pub(super) request: Box<Request>,
    pub(super) reply: PushReply,
}

/// The caller may have gone; then the response is dropped.
pub(super) type PushReply = oneshot::Sender<Result<PushResult>>;
