//! TCP connections: bounded in number, sent without delay (TCP_NODELAY), and closed when the peer
//! is gone (keepalive).

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum_server::accept::{Accept, TcpConfigAcceptor, TcpKeepaliveConfig, TcpSocketConfig};
use mrrow_engine::budget::{Budget, Permit};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The idle time after which the system probes a connection.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);

/// Accepts a limited number of connections; closes further ones.
#[derive(Debug, Clone)]
pub(crate) struct BoundedAcceptor {
    places: Budget,
    configured: TcpConfigAcceptor,
}

impl BoundedAcceptor {
    pub(crate) fn new(connections_max: usize) -> BoundedAcceptor {
        let keepalive = TcpKeepaliveConfig::new().time(KEEPALIVE_AFTER);
        let config = TcpSocketConfig::new().nodelay(true).keepalive(keepalive);
        let places = Budget::new(connections_max as u64);
        BoundedAcceptor { places, configured: TcpConfigAcceptor::new(config) }
    }
}

impl<S> Accept<TcpStream, S> for BoundedAcceptor {
    type Stream = Connection;
    type Service = S;
    type Future = Ready<io::Result<(Connection, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Ok(place) = self.places.try_take(1) else {
            return ready(Err(io::Error::other(
                "too many connections are open; this one was closed",
            )));
        };
        let configured = self.configured.accept(stream, service).into_inner();
        ready(configured.map(|(stream, service)| (Connection { stream, _place: place }, service)))
    }
}

/// An open connection; it gives up its place when it is dropped.
pub(crate) struct Connection {
    stream: TcpStream,
    _place: Permit,
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
