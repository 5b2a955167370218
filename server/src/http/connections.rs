//! The connections that are open: not more than there may be, told at once of what is sent, and
//! given up when the other side is gone.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum_server::accept::{Accept, TcpConfigAcceptor, TcpKeepaliveConfig, TcpSocketConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a connection is silent until the system asks whether somebody is there.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);

/// Accepts so many connections at once; a further one is closed.
#[derive(Debug, Clone)]
pub(crate) struct Bounded {
    free: Arc<Semaphore>,
    configured: TcpConfigAcceptor,
}

impl Bounded {
    pub(crate) fn new(connections_max: usize) -> Bounded {
        let keepalive = TcpKeepaliveConfig::new().time(KEEPALIVE_AFTER);
        let config = TcpSocketConfig::new().nodelay(true).keepalive(keepalive);
        let free = Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS)));
        Bounded { free, configured: TcpConfigAcceptor::new(config) }
    }
}

impl<S> Accept<TcpStream, S> for Bounded {
    type Stream = Connection;
    type Service = S;
    type Future = Ready<io::Result<(Connection, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Ok(place) = Arc::clone(&self.free).try_acquire_owned() else {
            return ready(Err(io::Error::other(
                "too many connections are open; this one was closed",
            )));
        };
        let configured = self.configured.accept(stream, service).into_inner();
        ready(configured.map(|(stream, service)| (Connection { stream, _place: place }, service)))
    }
}

/// A connection, which counts as open until it is dropped.
pub(crate) struct Connection {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
