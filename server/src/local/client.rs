//! What a command asks of the server that holds its directory.

use std::io::{self, Read};

use mrrow_engine::import::{ImportSummary, Progress};
use mrrow_engine::push::Pushed;
use mrrow_engine::{Compaction, Engine};

use super::connection::{Connection, Events};
use super::wire::{DeleteRequest, Event, Failed, ImportRequest, PushRequest, ResetRequest};

/// A server that holds the data directory and listens on its socket. Dropping what it is asked for
/// cancels it.
pub struct LocalClient(Connection);

/// Why the server did not do the work.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The request makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The work failed.
    #[error("{0}")]
    Failed(String),
    /// The server cannot be heard any more; nobody knows how far it came.
    #[error(
        "the server that holds the data directory broke off: {0}; see its log, then run the command again, which does no harm"
    )]
    BrokenOff(#[from] io::Error),
}

type Result<T, E = LocalError> = std::result::Result<T, E>;

impl LocalClient {
    /// The server that holds the engine's directory; none when nobody listens there.
    pub async fn connect(engine: &Engine) -> Option<LocalClient> {
        // What a dead server has left refuses; where there is none, nothing is found. Whoever may
        // not ask is told who writes.
        Connection::open(&engine.server_socket()).await.ok().map(LocalClient)
    }

    /// Imports files, and the stream where the request has it among its inputs.
    ///
    /// # Errors
    /// As for [`Engine::import`], and when the server breaks off.
    pub async fn import(
        self,
        request: &ImportRequest,
        stream: Option<Box<dyn Read + Send>>,
        progress: impl Fn(Progress),
    ) -> Result<ImportSummary> {
        let mut events = self.0.ask("import", request, stream).await?;
        loop {
            match events.next().await? {
                Event::Progress(step) => progress(step),
                Event::Imported(summary) => return Ok(summary),
                event => return Err(unexpected(event)),
            }
        }
    }

    /// Pushes a stream; `acknowledged` is told of each request of it.
    ///
    /// # Errors
    /// As for [`Engine::push_stream`], and when the server breaks off.
    pub async fn push(
        self,
        request: &PushRequest,
        stream: Box<dyn Read + Send>,
        mut acknowledged: impl FnMut(Pushed),
    ) -> Result<()> {
        let mut events = self.0.ask("push", request, Some(stream)).await?;
        loop {
            match events.next().await? {
                Event::Acknowledged(pushed) => acknowledged(pushed),
                Event::Published => return Ok(()),
                event => return Err(unexpected(event)),
            }
        }
    }

    /// Deletes records.
    ///
    /// # Errors
    /// As for [`Engine::delete`], and when the server breaks off.
    pub async fn delete(self, request: &DeleteRequest) -> Result<Pushed> {
        match self.last("delete", request).await? {
            Event::Deleted(deleted) => Ok(deleted),
            event => Err(unexpected(event)),
        }
    }

    /// Compacts.
    ///
    /// # Errors
    /// As for [`Engine::compact`], and when the server breaks off.
    pub async fn compact(self) -> Result<Compaction> {
        match self.last("compact", &()).await? {
            Event::Compacted(done) => Ok(done),
            event => Err(unexpected(event)),
        }
    }

    /// Deletes the records of a data source, and tells how many.
    ///
    /// # Errors
    /// As for [`Engine::reset_data_source`], and when the server breaks off.
    pub async fn reset(self, request: &ResetRequest) -> Result<u64> {
        match self.last("reset", request).await? {
            Event::Reset(deleted) => Ok(deleted),
            event => Err(unexpected(event)),
        }
    }

    /// The only event of work that has no more.
    async fn last(self, what: &str, request: &impl serde::Serialize) -> Result<Event> {
        let mut events: Events = self.0.ask(what, request, None).await?;
        events.next().await
    }
}

fn unexpected(event: Event) -> LocalError {
    match event {
        Event::Failed(Failed { is_usage: true, message }) => LocalError::Usage(message),
        Event::Failed(Failed { message, .. }) => LocalError::Failed(message),
        _ => io::Error::other("it answers something else; is it of another version?").into(),
    }
}
