//! The client of the command line: one method for each command.

use std::io::{self, Read};

use mrrow_engine::import::{ImportSummary, Progress};
use mrrow_engine::push::PushResult;
use mrrow_engine::{Compaction, Engine};

use super::client_connection::{ClientConnection, EventReader};
use super::error::LocalError;
use super::protocol::{
    CommandEvent, CommandFailure, DeleteRequest, ImportRequest, PushRequest, ResetRequest,
};

/// A connection to the server that holds the data directory. Dropping the future of a command
/// cancels it.
pub struct LocalClient(ClientConnection);

impl LocalClient {
    /// Connects to the server that holds the engine's directory; none if no server listens.
    pub async fn connect(engine: &Engine) -> Option<LocalClient> {
        // Every error means none: the socket is missing, was left by a dead server, or belongs to
        // another user. The writer's lock then reports the process that holds the directory.
        ClientConnection::open(&engine.server_socket()).await.ok().map(LocalClient)
    }

    /// Imports files, and `stream` for an input without a path.
    ///
    /// # Errors
    /// As for [`Engine::import`], and when the connection breaks.
    pub async fn import(
        self,
        request: &ImportRequest,
        stream: Option<Box<dyn Read + Send>>,
        progress: impl Fn(Progress),
    ) -> Result<ImportSummary, LocalError> {
        let mut events = self.0.send("import", request, stream).await?;
        loop {
            match events.next().await? {
                CommandEvent::Progress(step) => progress(step),
                CommandEvent::Imported(summary) => return Ok(summary),
                event => return Err(unexpected(event)),
            }
        }
    }

    /// Pushes a stream; `acknowledged` is called for each of its requests.
    ///
    /// # Errors
    /// As for [`Engine::push_stream`], and when the connection breaks.
    pub async fn push(
        self,
        request: &PushRequest,
        stream: Box<dyn Read + Send>,
        mut acknowledged: impl FnMut(PushResult),
    ) -> Result<(), LocalError> {
        let mut events = self.0.send("push", request, Some(stream)).await?;
        loop {
            match events.next().await? {
                CommandEvent::Acknowledged(pushed) => acknowledged(pushed),
                CommandEvent::Published => return Ok(()),
                event => return Err(unexpected(event)),
            }
        }
    }

    /// Deletes records.
    ///
    /// # Errors
    /// As for [`Engine::delete`], and when the connection breaks.
    pub async fn delete(self, request: &DeleteRequest) -> Result<PushResult, LocalError> {
        match self.only_event("delete", request).await? {
            CommandEvent::Deleted(deleted) => Ok(deleted),
            event => Err(unexpected(event)),
        }
    }

    /// Compacts.
    ///
    /// # Errors
    /// As for [`Engine::compact`], and when the connection breaks.
    pub async fn compact(self) -> Result<Compaction, LocalError> {
        match self.only_event("compact", &()).await? {
            CommandEvent::Compacted(compaction) => Ok(compaction),
            event => Err(unexpected(event)),
        }
    }

    /// Deletes the records of a data source, and returns their number.
    ///
    /// # Errors
    /// As for [`Engine::reset_data_source`], and when the connection breaks.
    pub async fn reset(self, request: &ResetRequest) -> Result<u64, LocalError> {
        match self.only_event("reset", request).await? {
            CommandEvent::Reset(deleted) => Ok(deleted),
            event => Err(unexpected(event)),
        }
    }

    /// The event of a command that has only one.
    async fn only_event(
        self,
        command: &str,
        request: &impl serde::Serialize,
    ) -> Result<CommandEvent, LocalError> {
        let mut events: EventReader = self.0.send(command, request, None).await?;
        events.next().await
    }
}

fn unexpected(event: CommandEvent) -> LocalError {
    match event {
        CommandEvent::Failed(CommandFailure { is_usage: true, message }) => {
            LocalError::Usage(message)
        }
        CommandEvent::Failed(CommandFailure { message, .. }) => LocalError::Failed(message),
        _ => io::Error::other("unexpected event; is the server of another version?").into(),
    }
}
