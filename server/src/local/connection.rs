//! The command line's end of the socket: a request goes up, with the bytes of a stream; events come
//! down.

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

use super::client::LocalError;
use super::socket::Address;
use super::wire::Event;
use super::work::Stream;

/// How much of a stream is sent at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Chunks that are read ahead.
const CHUNKS_AHEAD: usize = 4;

type Body = StreamBody<Box<dyn futures::Stream<Item = io::Result<Frame<Bytes>>> + Send + Unpin>>;

/// A connection to the server.
pub(super) struct Connection {
    sender: SendRequest<Body>,
    task: JoinHandle<hyper::Result<()>>,
}

/// What is told of the work.
pub(super) struct Events {
    body: Incoming,
    begun: BytesMut,
    /// Why the stream that is sent could not be read.
    unread: Arc<Mutex<Option<io::Error>>>,
    task: JoinHandle<hyper::Result<()>>,
}

impl Connection {
    pub(super) async fn open(socket: &Path) -> io::Result<Connection> {
        let address = Address::of(socket)?;
        let stream = UnixStream::connect(address.path()).await?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        Ok(Connection { sender, task: tokio::spawn(connection) })
    }

    /// Asks for work.
    pub(super) async fn ask(
        mut self,
        what: &str,
        request: &impl Serialize,
        stream: Option<Stream>,
    ) -> io::Result<Events> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        let unread = Arc::default();
        let body = body(line.into(), stream, Arc::clone(&unread));
        let request = hyper::Request::post(format!("/{what}"))
            .header("host", "local")
            .body(body)
            .map_err(io::Error::other)?;
        let response = self.sender.send_request(request).await.map_err(io::Error::other)?;
        if response.status() != hyper::StatusCode::OK {
            let message =
                format!("the server answers {}; is it of another version?", response.status());
            return Err(io::Error::other(message));
        }
        Ok(Events { body: response.into_body(), begun: BytesMut::new(), unread, task: self.task })
    }
}

impl Events {
    /// The next event; that there is none is an error, since the last one is waited for by nobody.
    pub(super) async fn next(&mut self) -> Result<Event, LocalError> {
        loop {
            if let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
                let event = serde_json::from_slice(&self.begun[..end]);
                self.begun.advance(end + 1);
                return Ok(event.map_err(io::Error::other)?);
            }
            let told = self.body.frame().await;
            if let Some(error) = self.unread.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Err(LocalError::Failed(format!("read the input: {error}")));
            }
            match told {
                Some(Ok(frame)) => self.begun.extend(frame.into_data().ok()),
                Some(Err(error)) => return Err(io::Error::other(error).into()),
                None => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            }
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // The server waits for that.
        self.task.abort();
    }
}

/// The request's line, then the stream as it is read.
fn body(line: Bytes, stream: Option<Stream>, unread: Arc<Mutex<Option<io::Error>>>) -> Body {
    let (chunks, mut read) = mpsc::channel(CHUNKS_AHEAD);
    // There is room for the first.
    let _ = chunks.try_send(Ok(line));
    if let Some(stream) = stream {
        // A thread may wait for input that nobody will send; who ends the process does not wait for
        // it.
        std::thread::spawn(move || read_stream(stream, &chunks, &unread));
    }
    let frames = poll_fn(move |context| {
        read.poll_recv(context)
            .map(|chunk| chunk.map(|chunk: io::Result<_>| chunk.map(Frame::data)))
    });
    StreamBody::new(Box::new(frames))
}

fn read_stream(
    mut stream: Stream,
    chunks: &mpsc::Sender<io::Result<Bytes>>,
    unread: &Mutex<Option<io::Error>>,
) {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let chunk = match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => Ok(Bytes::copy_from_slice(&buffer[..read])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let told = io::Error::new(error.kind(), error.to_string());
                *unread.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Err(told)
            }
        };
        let failed = chunk.is_err();
        if chunks.blocking_send(chunk).is_err() || failed {
            return;
        }
    }
}
