//! The configuration of a server: its address, and the limit of everything that could grow.

mod pull;
mod sql;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use pull::{AllowedDestination, PullLimits};
pub use sql::{SqlLimits, SqlWorker};

/// How to serve a data directory.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Serve HTTPS with this certificate; plain HTTP without.
    pub tls: Option<Tls>,
    /// The limits of connections, requests and responses.
    pub limits: Limits,
    /// Destinations of pulls outside the public Internet.
    pub pull_allowed: Vec<AllowedDestination>,
    /// The file with the 32 bytes that encrypt credentials. By default, the server creates one in
    /// the data directory.
    pub secret_key_file: Option<PathBuf>,
    /// The limits of SQL statements.
    pub sql: SqlLimits,
    /// The program that runs statements; without it, SQL is unavailable.
    pub sql_worker: Option<SqlWorker>,
}

/// A certificate and its private key.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// The limits of connections, requests and responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Open connections; further ones are closed.
    pub connections: usize,
    /// The time in which a client must send the head of a request.
    pub head_time: Duration,
    /// The time in which a client must send a body that is read whole.
    pub body_time: Duration,
    /// The longest pause of a client in a streamed body.
    pub body_pause: Duration,
    /// Bytes of a body before decompression.
    pub body_bytes: usize,
    /// Bytes of a body after decompression.
    pub decoded_bytes: usize,
    /// Bytes of all bodies in memory; further requests get 503.
    pub bodies_bytes: usize,
    /// Bytes of an upload.
    pub import_bytes: u64,
    /// Uploads that are received or wait while one is imported; further ones get 429.
    pub imports_waiting: usize,
    /// Concurrent reads of tables and reports; further ones get 503.
    pub reads_at_once: usize,
    /// The time that a read waits for the publication of its `min_sequence`.
    pub wait_time: Duration,
    /// The time for open requests and imports when the server stops.
    pub stop_time: Duration,
    /// The limits of pulls.
    pub pull: PullLimits,
}

impl Limits {
    /// Bytes of an upload before decompression, which have the same limit as after it.
    pub(crate) fn upload_bytes(&self) -> usize {
        usize::try_from(self.import_bytes).unwrap_or(usize::MAX)
    }
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Limits {
            connections: 4096,
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(60),
            body_pause: Duration::from_secs(30),
            body_bytes: 16 * MIB,
            decoded_bytes: 16 * MIB,
            bodies_bytes: 256 * MIB,
            import_bytes: 64 * 1024 * MIB as u64,
            imports_waiting: 32,
            reads_at_once: 64,
            wait_time: Duration::from_secs(10),
            stop_time: Duration::from_secs(30),
            pull: PullLimits::default(),
        }
    }
}

impl ServerConfig {
    /// The defaults for an address.
    pub fn new(listen: SocketAddr) -> ServerConfig {
        ServerConfig {
            listen,
            tls: None,
            limits: Limits::default(),
            pull_allowed: Vec::new(),
            secret_key_file: None,
            sql: SqlLimits::default(),
            sql_worker: None,
        }
    }
}
