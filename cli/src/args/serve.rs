//! The arguments of `mrrow serve`.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use clap::Args;
use mrrow_server::AllowedDestination;

use super::serve_limits;

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object per line
    Json,
}

#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub(crate) struct ServeArgs {
    /// The address to listen on; port 0 picks a free port [default: 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT", env = "MRROW_LISTEN", value_parser = listen_address)]
    pub(crate) listen: Option<SocketAddr>,
    /// Serve HTTPS with this certificate chain (PEM)
    #[arg(long, value_name = "FILE", env = "MRROW_TLS_CERTIFICATE")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", env = "MRROW_TLS_KEY")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Allow pulls to connect to this private network, address or host; may be repeated
    #[arg(long, value_name = "NETWORK|HOST", env = "MRROW_PULL_ALLOW", value_delimiter = ',')]
    pub(crate) pull_allow: Vec<AllowedDestination>,
    /// A file of 32 random bytes that encrypts the credentials of pulls [default: secret.key in
    /// the data directory, created when needed]
    #[arg(long, value_name = "FILE", env = "MRROW_SECRET_KEY_FILE")]
    pub(crate) secret_key_file: Option<PathBuf>,
    /// The log filter: a level, or target=level separated by commas [default: info]
    #[arg(long, value_name = "FILTER", env = "MRROW_LOG")]
    pub(crate) log: Option<String>,
    /// The log format [default: text on a terminal, json elsewhere]
    #[arg(long, value_name = "FORMAT", env = "MRROW_LOG_FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// Set a limit, such as connections=100; may be repeated (limits are listed below)
    #[arg(long = "limit", value_name = "NAME=NUMBER", env = "MRROW_LIMITS",
          value_delimiter = ',', value_parser = serve_limits::parse)]
    pub(crate) limits: Vec<(String, u64)>,
}

/// The address of a host and port. Of several addresses an IPv4 one is chosen, which every client
/// can reach.
pub(crate) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let resolved = text
        .to_socket_addrs()
        .map_err(|error| format!("{error}; give HOST:PORT, such as 127.0.0.1:8080"))?;
    let mut addresses: Vec<SocketAddr> = resolved.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.first().copied().ok_or_else(|| format!("the host of \"{text}\" has no address"))
}

fn after_help() -> String {
    format!(
        "\
Every option can also stand in mrrow.toml, under [serve], with _ in place of -. Limits stand under
[serve.limits]. The defaults are:

  data = \"./mrrow-data\"
  [serve]
  listen = \"127.0.0.1:8080\"
  log = \"info\"
  [serve.limits]
{}

Without any API key, the server creates an admin key at start and prints it once, on standard error.
While a server holds the data directory, it runs import, push, delete, compact and sources reset
for the command line; all other commands work as usual.",
        serve_limits::help()
    )
}
