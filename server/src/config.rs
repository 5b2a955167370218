//! What a server is configured with: where it listens, and the limit of everything that could grow.

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
    /// How much of everything there may be.
    pub limits: Limits,
    /// Destinations of pulls outside the public Internet.
    pub pull_allowed: Vec<AllowedDestination>,
    /// The file with the 32 bytes that encrypt credentials. By default, the server creates one in
    /// the data directory.
    pub secret_key_file: Option<PathBuf>,
    /// What a statement may use.
    pub sql: SqlLimits,
    /// What carries out statements; without it there is no SQL.
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

/// The limits of connections, requests and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections that are open at once; beyond it new ones are closed.
    pub connections: usize,
    /// How long a client may take to send the head of a request.
    pub head_time: Duration,
    /// How long a client may take to send the body of a request that is read whole.
    pub body_time: Duration,
    /// How long a client may send nothing of a body that is streamed.
    pub body_pause: Duration,
    /// Bytes of a body as it is sent.
    pub body_bytes: usize,
    /// Bytes of a body once it is decompressed.
    pub decoded_bytes: usize,
    /// Bytes of all bodies that are held at once; beyond it requests are told to come again.
    pub bodies_bytes: usize,
    /// Bytes of an upload that is imported.
    pub import_bytes: u64,
    /// Uploads that are received or wait while one is imported; beyond it they are told to come
    /// again.
    pub imports_waiting: usize,
    /// Reads of whole tables and reports that are answered at once; beyond it they are told to come
    /// again.
    pub reads_at_once: usize,
    /// How long a read waits for `min_sequence` to be published.
    pub wait_time: Duration,
    /// How long what was begun may take when the server is told to stop.
    pub stop_time: Duration,
    /// How much is fetched from the endpoints of data sources.
    pub pull: PullLimits,
}

impl Limits {
    /// Bytes of an upload as it is sent: what it is decompressed to has the same limit.
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
