//! The server: an address, the connections to it, and how it ends.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use mrrow_engine::Engine;

use crate::app::App;
use crate::config::{ServerConfig, Tls};
use crate::routes;

/// Fills bytes with what nobody can guess; passed in, so that nothing here asks the system by itself.
pub type Random = Arc<dyn Fn(&mut [u8]) -> io::Result<()> + Send + Sync>;

/// A server that is bound to its address and not yet answering.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<RustlsConfig>,
    app: App,
}

impl Server {
    /// Binds the address.
    ///
    /// # Errors
    /// When the address cannot be bound, or the certificate not be read.
    pub async fn bind(engine: Arc<Engine>, config: ServerConfig, random: Random) -> io::Result<Server> {
        // Another part of the process may have chosen already; either will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tls = match &config.tls {
            Some(tls) => Some(read_tls(tls).await?),
            None => None,
        };
        let listener = TcpListener::bind(config.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Server { listener, address, tls, app: App::new(engine, config, random) })
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

    /// Answers until `stopped` resolves, then finishes what was begun, for so long as is configured.
    ///
    /// # Errors
    /// When connections cannot be accepted any more.
    pub async fn run(self, stopped: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let Server { listener, tls, app, .. } = self;
        let handle = Handle::new();
        let ending = tokio::spawn(end_when(stopped, handle.clone(), app.clone()));
        let routes = routes::routes(app.clone());
        let served = match tls {
            Some(tls) => serve(axum_server::from_tcp_rustls(listener, tls)?, handle, &app, routes).await,
            None => serve(axum_server::from_tcp(listener)?, handle, &app, routes).await,
        };
        ending.abort();
        served
    }
}

async fn serve<A>(
    mut server: axum_server::Server<SocketAddr, A>,
    handle: Handle<SocketAddr>,
    app: &App,
    routes: Router,
) -> io::Result<()>
where
    A: axum_server::accept::Accept<tokio::net::TcpStream, Router> + Clone + Send + Sync + 'static,
    A::Stream: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send,
    A::Service: axum_server::service::SendService<axum::http::Request<hyper::body::Incoming>> + Send,
    A::Future: Send,
{
    let limits = &app.config.limits;
    server.http_builder().http1().header_read_timeout(limits.head_time);
    server.handle(handle).serve(routes.into_make_service()).await
}

async fn read_tls(tls: &Tls) -> io::Result<RustlsConfig> {
    RustlsConfig::from_pem_file(&tls.certificate, &tls.key).await.map_err(|error| {
        let (certificate, key) = (tls.certificate.display(), tls.key.display());
        io::Error::new(error.kind(), format!("read the certificate \"{certificate}\" and its key \"{key}\": {error}"))
    })
}

/// Ends the server: no new connections, and a while for what was begun.
async fn end_when(stopped: impl Future<Output = ()>, handle: Handle<SocketAddr>, app: App) {
    stopped.await;
    tracing::info!("stopping: finishing what was begun");
    app.stopping.cancel();
    handle.graceful_shutdown(Some(app.config.limits.stop_time));
}
