//! The configuration of a server: the command line takes precedence over mrrow.toml.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::ValueEnum;
use mrrow_server::{ServerConfig, SqlWorker, Tls};

use crate::args::{LogFormat, ServeArgs, listen_address, set_limit};
use crate::config_file::ServeSection;
use crate::exit::Failure;

const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

pub(super) fn server(args: &ServeArgs, file: &ServeSection) -> Result<ServerConfig, Failure> {
    let mut config = ServerConfig::new(listen(args, file)?);
    let typed = args.limits.iter().map(|(name, number)| (name, number));
    for (name, number) in file.limits.iter().chain(typed) {
        set_limit(&mut config.limits, name, *number).map_err(Failure::usage)?;
    }
    config.sql_worker = Some(sql_worker()?);
    config.tls = tls(args, file)?;
    config.secret_key_file =
        args.secret_key_file.as_ref().or(file.secret_key_file.as_ref()).cloned();
    config.pull_allowed = match (args.pull_allow.as_slice(), &file.pull_allow) {
        ([], Some(allowed)) => {
            allowed.iter().map(|one| one.parse()).collect::<Result<_, String>>().map_err(
                |error| Failure::usage(format!("pull_allow in the configuration: {error}")),
            )?
        }
        (allowed, _) => allowed.to_vec(),
    };
    Ok(config)
}

pub(super) fn log_format(
    args: &ServeArgs,
    file: &ServeSection,
) -> Result<Option<LogFormat>, Failure> {
    match (args.log_format, &file.log_format) {
        (None, Some(text)) => LogFormat::from_str(text, false).map(Some).map_err(|_| {
            Failure::usage(format!(
                "log_format = \"{text}\" in the configuration is neither \"text\" nor \"json\""
            ))
        }),
        (format, _) => Ok(format),
    }
}

fn listen(args: &ServeArgs, file: &ServeSection) -> Result<SocketAddr, Failure> {
    match (args.listen, &file.listen) {
        (Some(address), _) => Ok(address),
        (None, Some(text)) => listen_address(text).map_err(|error| {
            Failure::usage(format!("listen = \"{text}\" in the configuration: {error}"))
        }),
        (None, None) => Ok(LISTEN_DEFAULT),
    }
}

fn tls(args: &ServeArgs, file: &ServeSection) -> Result<Option<Tls>, Failure> {
    let certificate = args.tls_certificate.as_ref().or(file.tls_certificate.as_ref());
    let key = args.tls_key.as_ref().or(file.tls_key.as_ref());
    match (certificate, key) {
        (Some(certificate), Some(key)) => {
            Ok(Some(Tls { certificate: certificate.clone(), key: key.clone() }))
        }
        (None, None) => Ok(None),
        _ => Err(Failure::usage(
            "TLS needs both a certificate and a key; give --tls-certificate and --tls-key",
        )),
    }
}

/// The program that runs SQL statements: this one. `/proc/self/exe` still names the running version
/// when a new one has replaced the file.
fn sql_worker() -> Result<SqlWorker, Failure> {
    let program = if cfg!(target_os = "linux") {
        PathBuf::from("/proc/self/exe")
    } else {
        std::env::current_exe()?
    };
    Ok(SqlWorker { program, arguments: vec!["sql-worker".to_string()] })
}
