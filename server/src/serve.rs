//! The server: binds an address, serves connections, and stops.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use axum_server::Handle;
use axum_server::accept::Accept;
use axum_server::service::SendService;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper::body::Incoming;
use mrrow_engine::Engine;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::app::App;
use crate::config::{Limits, ServerConfig, Tls};
use crate::http::connections::BoundedAcceptor;
use crate::local::{self, LocalSocket};
use crate::random::Random;
use crate::{api, pull, routes};

/// Concurrent requests of an HTTP/2 connection.
const STREAMS_MAX: u32 = 128;

/// The interval of pings on HTTP/2 connections.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// Open files besides connections: those of the store, and connections of pulls.
const OTHER_FILES: u64 = 1024;

/// A server that is bound to its address and does not serve yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<RustlsConfig>,
    local: io::Result<LocalSocket>,
    app: App,
}

impl Server {
    /// Binds the address, and the socket in the engine's directory. The engine must hold the
    /// directory for writing.
    ///
    /// # Errors
    /// When the address cannot be bound, the certificate not be read, or the catalog not be
    /// written.
    pub async fn bind(
        engine: Arc<Engine>,
        config: ServerConfig,
        random: Random,
    ) -> io::Result<Server> {
        // This fails if the process has a default provider already, which works too.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tls = match &config.tls {
            Some(tls) => Some(read_tls(tls).await?),
            None => None,
        };
        let listener = TcpListener::bind(config.listen)?;
        let address = listener.local_addr()?;
        // This process is the writer: jobs of an earlier process have no worker any more.
        engine.interrupt_jobs().await.map_err(io::Error::other)?;
        let local = LocalSocket::bind(&engine);
        Ok(Server { listener, address, tls, local, app: App::new(engine, config, random) })
    }

    /// The address that was bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as a client names it.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Serves until `stopped` resolves, then finishes open requests, for at most
    /// [`Limits::stop_time`].
    ///
    /// # Errors
    /// When connections cannot be accepted any more.
    pub async fn run(self, stopped: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let Server { listener, tls, local, app, .. } = self;
        raise_open_files(&app.config.limits);
        let schedules = tokio::spawn(pull::run_scheduler(app.pulls.clone()));
        let handle = Handle::new();
        let stopping = tokio::spawn(stop_when(stopped, handle.clone(), app.clone()));
        let local = serve_local(local, Handle::with_control(handle.control()), &app);
        let limits = &app.config.limits;
        let bounded = BoundedAcceptor::new(limits.connections);
        let routes = routes::routes(app.clone());
        let server = axum_server::from_tcp(listener)?;
        let served = match tls {
            Some(tls) => {
                let secured =
                    RustlsAcceptor::new(tls).handshake_timeout(limits.head_time).acceptor(bounded);
                tokio::join!(serve(server.acceptor(secured), handle, limits, routes), local).0
            }
            None => tokio::join!(serve(server.acceptor(bounded), handle, limits, routes), local).0,
        };
        match app.stopping.is_cancelled() {
            // The task that stops the server knows the deadline.
            true => {
                let deadline = stopping.await.map_err(io::Error::other)?;
                api::imports::stop(&app.imports, deadline).await;
            }
            false => stopping.abort(),
        }
        app.stopping.cancel();
        app.pulls.syncs.stopped().await;
        schedules.await.map_err(io::Error::other)?;
        served
    }
}

async fn serve<A>(
    mut server: axum_server::Server<SocketAddr, A>,
    handle: Handle<SocketAddr>,
    limits: &Limits,
    routes: Router,
) -> io::Result<()>
where
    A: Accept<TcpStream, Router> + Clone + Send + Sync + 'static,
    A::Stream: AsyncRead + AsyncWrite + Unpin + Send,
    A::Service: SendService<Request<Incoming>> + Send,
    A::Future: Send,
{
    let builder = server.http_builder();
    builder.http1().header_read_timeout(limits.head_time);
    builder
        .http2()
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(limits.head_time);
    let server = server.first_request_timeout(limits.head_time).accept_error_handler(|from, error| {
        tracing::debug!(%error, from = from.map(tracing::field::display), "a connection was not \
            accepted");
    });
    server.handle(handle).serve(routes.into_make_service()).await
}

/// Serves the command line's socket. Without the socket, its commands that write must wait until
/// the server stops.
async fn serve_local(
    socket: io::Result<LocalSocket>,
    handle: Handle<std::os::unix::net::SocketAddr>,
    app: &App,
) {
    let served = match socket.map(LocalSocket::into_parts) {
        Ok((listener, _removed)) => serve_on(listener, handle, app).await,
        Err(error) => Err(error),
    };
    if let Err(error) = served {
        tracing::warn!(%error, "listen to the command line; its import, push, delete and compact \
            do not work beside this server");
    }
}

async fn serve_on(
    listener: UnixListener,
    handle: Handle<std::os::unix::net::SocketAddr>,
    app: &App,
) -> io::Result<()> {
    let server = axum_server::from_unix(listener)?.handle(handle);
    server.serve(local::routes(app.local_state()).into_make_service()).await
}

async fn read_tls(tls: &Tls) -> io::Result<RustlsConfig> {
    RustlsConfig::from_pem_file(&tls.certificate, &tls.key).await.map_err(|error| {
        let (certificate, key) = (tls.certificate.display(), tls.key.display());
        io::Error::new(
            error.kind(),
            format!("read the certificate \"{certificate}\" and its key \"{key}\": {error}"),
        )
    })
}

/// Stops the server: refuses new connections and gives open requests a deadline, which it returns.
async fn stop_when(
    stopped: impl Future<Output = ()>,
    handle: Handle<SocketAddr>,
    app: App,
) -> Instant {
    stopped.await;
    tracing::info!("stopping: finishing open requests");
    app.stopping.cancel();
    handle.graceful_shutdown(Some(app.config.limits.stop_time));
    Instant::now() + app.config.limits.stop_time
}

/// Raises the limit of open files: each connection is one, and the default limit is low.
fn raise_open_files(limits: &Limits) {
    let wanted = (limits.connections as u64).saturating_add(OTHER_FILES);
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(allowed) if allowed < wanted => {
            tracing::warn!(
                allowed,
                wanted,
                "the limit of open files is low; raise the limit (ulimit -n), or lower \
                    limits.connections"
            );
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "raise the limit of open files"),
    }
}
