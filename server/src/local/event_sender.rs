//! Sends the events of a command to the command line, one JSON line each.

use bytes::Bytes;
use mrrow_engine::Error;
use tokio::sync::mpsc;

use super::protocol::CommandEvent;

/// Sends events to the command line.
#[derive(Clone)]
pub(super) struct EventSender(mpsc::Sender<Bytes>);

impl EventSender {
    pub(super) fn new(lines: mpsc::Sender<Bytes>) -> EventSender {
        EventSender(lines)
    }

    /// Sends an event and waits for room.
    pub(super) async fn send(&self, event: &CommandEvent) {
        // Fails only if the client has gone.
        let _ = self.0.send(line(event)).await;
    }

    /// Sends an event from a thread of the runtime, which may block for room.
    ///
    /// # Errors
    /// [`Error::Canceled`] if the client has gone.
    pub(super) fn send_blocking(&self, event: &CommandEvent) -> Result<(), Error> {
        let sent = match self.0.try_send(line(event)) {
            Err(mpsc::error::TrySendError::Full(line)) => {
                tokio::task::block_in_place(|| self.0.blocking_send(line)).is_ok()
            }
            sent => sent.is_ok(),
        };
        if sent { Ok(()) } else { Err(Error::Canceled) }
    }

    /// Sends an event, or drops it if there is no room: a slow client skips steps of its progress
    /// bar.
    pub(super) fn send_or_drop(&self, event: &CommandEvent) {
        let _ = self.0.try_send(line(event));
    }

    /// Waits until the client has gone.
    pub(super) async fn closed(&self) {
        self.0.closed().await;
    }
}

fn line(event: &CommandEvent) -> Bytes {
    // Infallible: the maps of events have text keys.
    let mut line = serde_json::to_vec(event).unwrap_or_default();
    line.push(b'\n');
    line.into()
}
