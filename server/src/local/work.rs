//! The work that is asked for, done with the engine, and told line by line.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use mrrow_engine::import::{Content, ImportOptions, Input, ProgressListener};
use mrrow_engine::push::PushOptions;
use mrrow_engine::{Engine, Error};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::app::App;

use super::wire::{DeleteRequest, Event, Failed, ImportRequest, PushRequest, ResetRequest};

/// The bytes that follow a request.
pub(super) type Stream = Box<dyn Read + Send>;

/// What is told to the command line.
#[derive(Clone)]
pub(super) struct Teller(mpsc::Sender<Bytes>);

impl Teller {
    pub(super) fn new(lines: mpsc::Sender<Bytes>) -> Teller {
        Teller(lines)
    }

    /// Tells something that must arrive; whether anybody listens.
    pub(super) async fn tell(&self, event: &Event) -> bool {
        self.0.send(line(event)).await.is_ok()
    }

    /// Tells of an acknowledgement; waits for room, on a thread that others need not wait for.
    fn tell_acknowledged(&self, event: &Event) -> Result<(), Error> {
        let sent = match self.0.try_send(line(event)) {
            Err(mpsc::error::TrySendError::Full(line)) => {
                tokio::task::block_in_place(|| self.0.blocking_send(line)).is_ok()
            }
            sent => sent.is_ok(),
        };
        if sent { Ok(()) } else { Err(Error::Canceled) }
    }

    /// Tells something that the next of its kind makes up for.
    fn tell_if_room(&self, event: &Event) {
        // Who reads slowly misses some steps of a progress bar.
        let _ = self.0.try_send(line(event));
    }

    /// Resolves when nobody listens any more.
    pub(super) async fn nobody_listens(&self) {
        self.0.closed().await;
    }
}

fn line(event: &Event) -> Bytes {
    // Events have no maps with keys that are not text, and nothing that fails to be written.
    let mut line = serde_json::to_vec(event).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

/// Imports; when nobody listens any more it is canceled, as a command that is stopped would be.
pub(super) async fn import(
    engine: &Engine,
    request: ImportRequest,
    stream: Stream,
    teller: &Teller,
) -> Result<Event, Failed> {
    let mut stream = Some(stream);
    let mut inputs = Vec::with_capacity(request.inputs.len());
    for input in request.inputs {
        let content = match input.path {
            Some(path) if path.is_absolute() => Content::File(path),
            Some(path) => {
                return Err(Failed::usage(format!("\"{}\" is not a full path", path.display())));
            }
            // Standard input that was read once is empty.
            None => Content::Stream(stream.take().unwrap_or_else(|| Box::new(std::io::empty()))),
        };
        inputs.push(Input {
            name: input.name,
            object: input.object,
            format: input.format,
            content,
        });
    }
    let canceled = CancellationToken::new();
    let options = ImportOptions {
        data_source: request.data_source,
        map: request.map,
        on_error: request.on_error,
        dry_run: request.dry_run,
        rejects: request.rejects,
        progress: Some(listener(teller)),
        canceled: canceled.clone(),
    };
    let imported = engine.import(inputs, &options);
    tokio::pin!(imported);
    let summary = tokio::select! {
        summary = &mut imported => summary?,
        () = teller.nobody_listens() => {
            canceled.cancel();
            imported.await?
        }
    };
    Ok(Event::Imported(summary))
}

fn listener(teller: &Teller) -> ProgressListener {
    let teller = teller.clone();
    Arc::new(move |progress| teller.tell_if_room(&Event::Progress(progress)))
}

/// Pushes, and publishes what was acknowledged.
pub(super) async fn push(
    engine: &Engine,
    request: PushRequest,
    stream: Stream,
    teller: &Teller,
) -> Result<Event, Failed> {
    let PushRequest { data_source, object, rows_each, map, format, on_error } = request;
    let options = PushOptions { map, format, on_error, ..PushOptions::default() };
    let acknowledged = |pushed| teller.tell_acknowledged(&Event::Acknowledged(pushed));
    engine
        .push_stream(&data_source, object, stream, rows_each.max(1), &options, acknowledged)
        .await?;
    engine.flush().await?;
    Ok(Event::Published)
}

pub(super) async fn delete(engine: &Engine, request: DeleteRequest) -> Result<Event, Failed> {
    let deleted = engine.delete(&request.data_source, request.object, &request.ids).await?;
    engine.flush().await?;
    Ok(Event::Deleted(deleted))
}

pub(super) async fn compact(engine: &Engine) -> Result<Event, Failed> {
    Ok(Event::Compacted(engine.compact().await?))
}

/// Deletes the records of a data source; what is being fetched for it stops before.
pub(super) async fn reset(app: &App, request: ResetRequest) -> Result<Event, Failed> {
    app.pulls.abort(&request.data_source).await;
    Ok(Event::Reset(app.engine.reset_data_source(&request.data_source, |_| {}).await?))
}
