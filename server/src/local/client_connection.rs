//! The client's end of the socket: sends a request with the bytes of a stream, and reads events.

use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes, BytesMut};
use futures::stream::poll_fn;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::error::LocalError;
use super::protocol::{CommandEvent, InputStream};
use super::socket::SocketAddress;

/// Bytes of a stream that are sent at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Chunks that are read ahead.
const CHUNKS_AHEAD: usize = 4;

type ClientBody =
    StreamBody<Box<dyn futures::Stream<Item = io::Result<Frame<Bytes>>> + Send + Unpin>>;

/// The first error of reading the stream that is sent.
type InputError = Arc<Mutex<Option<io::Error>>>;

/// A connection to the server.
pub(super) struct ClientConnection {
    sender: SendRequest<ClientBody>,
    task: JoinHandle<hyper::Result<()>>,
}

/// Reads the events of a command; dropping it closes the connection.
pub(super) struct EventReader {
    body: Incoming,
    /// The beginning of the next line.
    buffer: BytesMut,
    input_error: InputError,
    task: JoinHandle<hyper::Result<()>>,
}

impl ClientConnection {
    pub(super) async fn open(socket: &Path) -> io::Result<ClientConnection> {
        let address = SocketAddress::of(socket)?;
        let stream = UnixStream::connect(address.path()).await?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        Ok(ClientConnection { sender, task: tokio::spawn(connection) })
    }

    /// Sends a command.
    pub(super) async fn send(
        mut self,
        command: &str,
        request: &impl Serialize,
        stream: Option<InputStream>,
    ) -> io::Result<EventReader> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        let input_error = InputError::default();
        let body = client_body(line.into(), stream, Arc::clone(&input_error));
        let request = hyper::Request::post(format!("/{command}"))
            .header("host", "local")
            .body(body)
            .map_err(io::Error::other)?;
        let response = self.sender.send_request(request).await.map_err(io::Error::other)?;
        if response.status() != hyper::StatusCode::OK {
            let status = response.status();
            let message = format!("the server answers {status}; is it of another version?");
            return Err(io::Error::other(message));
        }
        let (body, task) = (response.into_body(), self.task);
        Ok(EventReader { body, buffer: BytesMut::new(), input_error, task })
    }
}

impl EventReader {
    /// The next event. The end of the stream is an error: a client reads no further than the last
    /// event.
    pub(super) async fn next(&mut self) -> Result<CommandEvent, LocalError> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let event = serde_json::from_slice(&self.buffer[..end]);
                self.buffer.advance(end + 1);
                return Ok(event.map_err(io::Error::other)?);
            }
            let frame = self.body.frame().await;
            let mut input_error = self.input_error.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(error) = input_error.take() {
                return Err(LocalError::Failed(format!("read the input: {error}")));
            }
            match frame {
                Some(Ok(frame)) => self.buffer.extend(frame.into_data().ok()),
                Some(Err(error)) => return Err(io::Error::other(error).into()),
                None => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            }
        }
    }
}

impl Drop for EventReader {
    fn drop(&mut self) {
        // Closes the connection, which the server waits for.
        self.task.abort();
    }
}

/// The request's line, then the stream while it is read.
fn client_body(line: Bytes, stream: Option<InputStream>, input_error: InputError) -> ClientBody {
    let (chunks, mut read) = mpsc::channel(CHUNKS_AHEAD);
    // The channel is empty and has room.
    let _ = chunks.try_send(Ok(line));
    if let Some(stream) = stream {
        // A detached thread: it may block on input that never comes, and must not delay the exit of
        // the process.
        std::thread::spawn(move || read_stream(stream, &chunks, &input_error));
    }
    let frames = poll_fn(move |context| {
        read.poll_recv(context)
            .map(|chunk| chunk.map(|chunk: io::Result<_>| chunk.map(Frame::data)))
    });
    StreamBody::new(Box::new(frames))
}

fn read_stream(
    mut stream: InputStream,
    chunks: &mpsc::Sender<io::Result<Bytes>>,
    input_error: &Mutex<Option<io::Error>>,
) {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let chunk = match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => Ok(Bytes::copy_from_slice(&buffer[..read])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let sent = io::Error::new(error.kind(), error.to_string());
                *input_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Err(sent)
            }
        };
        let failed = chunk.is_err();
        if chunks.blocking_send(chunk).is_err() || failed {
            return;
        }
    }
}
