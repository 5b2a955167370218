//! The arguments of `mrrow serve`.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use clap::Args;
use mrrow_server::AllowedDestination;

use crate::logging::LogFormat;
use crate::serve_limits;

#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub(crate) struct ServeArgs {
    /// The address to listen on; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT", env = "MRROW_LISTEN", value_parser = listen_address)]
    pub(crate) listen: Option<SocketAddr>,
    /// Serve HTTPS with this certificate chain, PEM
    #[arg(long, value_name = "FILE", env = "MRROW_TLS_CERTIFICATE")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The certificate's private key, PEM
    #[arg(long, value_name = "FILE", env = "MRROW_TLS_KEY")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Let pulls connect to this network, address or host although it is not of the public
    /// Internet; may be repeated
    #[arg(long, value_name = "NETWORK|HOST", env = "MRROW_PULL_ALLOW", value_delimiter = ',')]
    pub(crate) pull_allow: Vec<AllowedDestination>,
    /// The file with 32 random bytes that encrypt the credentials of pulls [default: secret.key in
    /// the data directory, made when needed]
    #[arg(long, value_name = "FILE", env = "MRROW_SECRET_KEY_FILE")]
    pub(crate) secret_key_file: Option<PathBuf>,
    /// What to log: a level, or target=level with commas [default: info]
    #[arg(long, value_name = "FILTER", env = "MRROW_LOG")]
    pub(crate) log: Option<String>,
    /// How to log; text on a terminal, json elsewhere unless given
    #[arg(long, value_name = "FORMAT", env = "MRROW_LOG_FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// Set a limit, such as connections=100; may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", env = "MRROW_LIMITS", value_delimiter = ',', value_parser = serve_limits::typed)]
    pub(crate) limits: Vec<(String, u64)>,
}

/// The address of a host and port; of a host with several, one that any client reaches.
pub(crate) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let found = text
        .to_socket_addrs()
        .map_err(|error| format!("{error}; give HOST:PORT, such as 127.0.0.1:8080"))?;
    let mut addresses: Vec<SocketAddr> = found.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.first().copied().ok_or_else(|| format!("the host of \"{text}\" has no address"))
}

fn after_help() -> String {
    format!(
        "\
Every option can also stand in mrrow.toml, under [serve], with _ for -, and every limit under [serve.limits]. With their defaults:

  data = \"./mrrow-data\"
  [serve]
  listen = \"127.0.0.1:8080\"
  log = \"info\"
  [serve.limits]
{}

If there is no API key yet, the first start makes an admin key and prints it once, on standard error. While a server holds the data
directory, import, push, delete and compact are carried out by it; other commands work as ever.",
        serve_limits::help()
    )
}
