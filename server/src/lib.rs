//! The HTTP face of the engine.

mod routes;

use std::future::Future;
use std::net::SocketAddr;

use tokio::net::TcpListener;

/// A server that is bound to its address and not yet answering.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Binds the address; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(address: SocketAddr) -> std::io::Result<Server> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Server { listener, address })
    }

    /// The address that was bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stopped` resolves, then finishes what was begun.
    ///
    /// # Errors
    /// When connections cannot be accepted any more.
    pub async fn run(self, stopped: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        axum::serve(self.listener, routes::routes()).with_graceful_shutdown(stopped).await
    }
}
