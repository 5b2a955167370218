//! A push: bytes are decoded on a thread that may block, then acknowledged by the writer.

use std::io::Read;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinError;

use crate::error::{Error, Result};
use crate::model::ObjectType;
use crate::store::Store;
use crate::write::Writer;
use crate::write::ack::{Decoder, Deletion, PushOptions, PushResult, Request};

/// JSON of at most so many bytes is decoded on the calling thread, because a change of threads
/// takes longer.
const DECODED_AT_ONCE_BYTES_MAX: usize = 8192;

/// Requests of a stream that are decoded ahead of their acknowledgement.
const REQUESTS_AHEAD: usize = 2;

/// Decodes bytes as one request.
pub(crate) async fn decode(
    store: &Store,
    data_source: &str,
    object: Option<ObjectType>,
    bytes: Vec<u8>,
    options: &PushOptions,
) -> Result<Request> {
    let bytes_max = store.config.push.request_bytes;
    if bytes.len() > bytes_max {
        let message = format!(
            "the request has {} bytes; {bytes_max} are allowed: push it in parts, or import it",
            bytes.len()
        );
        return Err(Error::TooLarge(message));
    }
    let decoder = decoder(store, data_source, object, options).await?;
    let is_plain_json = matches!(bytes.first(), Some(b'{' | b'['));
    if is_plain_json && bytes.len() <= DECODED_AT_ONCE_BYTES_MAX {
        return decoder.whole(bytes);
    }
    let decoding = tokio::task::spawn_blocking(move || decoder.whole(bytes));
    decoding.await.map_err(decoding_failed)?
}

/// Pushes a stream as requests of so many rows, one after another.
pub(crate) async fn push_stream(
    writer: &Writer,
    decoder: Decoder,
    input: Box<dyn Read + Send>,
    rows_each: usize,
    mut acknowledged: impl FnMut(PushResult) -> Result<()>,
) -> Result<()> {
    let (sender, mut requests) = mpsc::channel::<Request>(REQUESTS_AHEAD);
    let decoding = tokio::task::spawn_blocking(move || {
        decoder.stepwise(input, rows_each, |request| {
            sender.blocking_send(request).map_err(|_| Error::Closed)
        })
    });
    while let Some(request) = requests.recv().await {
        // A stream waits until the inbox has space.
        writer.make_room().await?;
        acknowledged(writer.push(request).await?)?;
    }
    decoding.await.map_err(decoding_failed)?
}

/// The decoder of requests for a data source, which rows may name instead.
pub(crate) async fn decoder(
    store: &Store,
    data_source: &str,
    object: Option<ObjectType>,
    options: &PushOptions,
) -> Result<Decoder> {
    let data_source = match options.row_sources {
        Some(_) => String::new(),
        None => store.lookups.data_source_id(data_source).await?,
    };
    Ok(Decoder {
        decoded_bytes_max: store.config.push.decoded_bytes,
        data_source,
        object,
        timezone: store.lookups.timezone().await?,
        options: options.clone(),
        now: Arc::clone(&store.config.clock),
    })
}

/// Deletes records by their ids.
pub(crate) async fn delete(
    store: &Store,
    writer: &Writer,
    data_source: &str,
    object: ObjectType,
    ids: &[String],
) -> Result<PushResult> {
    let data_source = store.lookups.data_source_id(data_source).await?;
    let deletion = Deletion { object, ids: ids.to_vec() };
    writer.push(Request::deleting(&data_source, store.now(), deletion)).await
}

fn decoding_failed(error: JoinError) -> Error {
    Error::Internal(format!("decode a push: {error}"))
}
