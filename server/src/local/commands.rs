//! The commands, run on the engine of the server.

use std::sync::Arc;

use mrrow_engine::Engine;
use mrrow_engine::import::{Content, ImportOptions, Input, ProgressListener};
use mrrow_engine::push::PushOptions;
use tokio_util::sync::CancellationToken;

use super::event_sender::EventSender;
use super::protocol::{
    CommandEvent, CommandFailure, DeleteRequest, ImportRequest, InputRequest, InputStream,
    PushRequest, ResetRequest,
};
use crate::pull::RunningSyncs;

/// Imports; if the client goes, the import is canceled.
pub(super) async fn import(
    engine: &Engine,
    request: ImportRequest,
    stream: InputStream,
    events: &EventSender,
) -> Result<CommandEvent, CommandFailure> {
    let inputs = inputs(request.inputs, stream)?;
    let canceled = CancellationToken::new();
    let options = ImportOptions {
        data_source: request.data_source,
        map: request.map,
        on_error: request.on_error,
        dry_run: request.dry_run,
        rejects: request.rejects,
        progress: Some(progress_listener(events)),
        canceled: canceled.clone(),
    };
    let import = engine.import(inputs, &options);
    tokio::pin!(import);
    let summary = tokio::select! {
        summary = &mut import => summary?,
        () = events.closed() => {
            canceled.cancel();
            import.await?
        }
    };
    Ok(CommandEvent::Imported(summary))
}

fn inputs(requests: Vec<InputRequest>, stream: InputStream) -> Result<Vec<Input>, CommandFailure> {
    let mut stream = Some(stream);
    let mut inputs = Vec::with_capacity(requests.len());
    for InputRequest { name, object, format, path } in requests {
        let content = match path {
            Some(path) if path.is_absolute() => Content::File(path),
            Some(path) => {
                let message = format!("\"{}\" is not an absolute path", path.display());
                return Err(CommandFailure::usage(message));
            }
            // A second input without a path is empty, as standard input is when it is read twice.
            None => Content::Stream(stream.take().unwrap_or_else(|| Box::new(std::io::empty()))),
        };
        inputs.push(Input { name, object, format, content });
    }
    Ok(inputs)
}

fn progress_listener(events: &EventSender) -> ProgressListener {
    let events = events.clone();
    Arc::new(move |progress| events.send_or_drop(&CommandEvent::Progress(progress)))
}

/// Pushes, and publishes the acknowledged rows.
pub(super) async fn push(
    engine: &Engine,
    request: PushRequest,
    stream: InputStream,
    events: &EventSender,
) -> Result<CommandEvent, CommandFailure> {
    let PushRequest { data_source, object, rows_each, map, format, on_error } = request;
    let options = PushOptions { map, format, on_error, ..PushOptions::default() };
    let acknowledged = |pushed| events.send_blocking(&CommandEvent::Acknowledged(pushed));
    engine
        .push_stream(&data_source, object, stream, rows_each.max(1), &options, acknowledged)
        .await?;
    engine.flush().await?;
    Ok(CommandEvent::Published)
}

pub(super) async fn delete(
    engine: &Engine,
    request: DeleteRequest,
) -> Result<CommandEvent, CommandFailure> {
    let deleted = engine.delete(&request.data_source, request.object, &request.ids).await?;
    engine.flush().await?;
    Ok(CommandEvent::Deleted(deleted))
}

pub(super) async fn compact(engine: &Engine) -> Result<CommandEvent, CommandFailure> {
    Ok(CommandEvent::Compacted(engine.compact().await?))
}

/// Deletes the records of a data source, after its running sync is aborted.
pub(super) async fn reset(
    engine: &Engine,
    syncs: &RunningSyncs,
    request: ResetRequest,
) -> Result<CommandEvent, CommandFailure> {
    syncs.abort(&request.data_source).await;
    Ok(CommandEvent::Reset(engine.reset_data_source(&request.data_source, |_| {}).await?))
}
