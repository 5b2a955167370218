//! `mrrow serve`: the HTTP face.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;
use mrrow_engine::Engine;
use mrrow_engine::access::{NewKey, Role};
use mrrow_server::{Server, ServerConfig, SqlWorker, Tls};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{ServeArgs, listen_address};
use crate::config_file;
use crate::exit::{Code, Failure};
use crate::logging::{self, LogFormat};
use crate::random;
use crate::serve_limits;

/// Where a server listens unless it is told.
const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// What is logged unless it is told.
const LOG_DEFAULT: &str = "info";

pub(super) async fn run(
    engine: &Arc<Engine>,
    args: &ServeArgs,
    file: &config_file::Serve,
) -> Result<Code, Failure> {
    let format = match (args.log_format, &file.log_format) {
        (Some(format), _) => Some(format),
        (None, Some(text)) => Some(LogFormat::from_str(text, false).map_err(|_| {
            Failure::usage(format!(
                "log_format = \"{text}\" in the configuration is neither \"text\" nor \"json\""
            ))
        })?),
        (None, None) => None,
    };
    let filter = args.log.as_deref().or(file.log.as_deref()).unwrap_or(LOG_DEFAULT);
    let config = config(args, file)?;
    let listen = config.listen;
    engine.start_writing().await?;
    let server = Server::bind(Arc::clone(engine), config, random::source())
        .await
        .map_err(|error| Failure::other(format!("listen on {listen}: {error}")))?;
    tell_first_key(engine).await?;
    // Whoever reads the next line may already stop it.
    let stopped = stop_signal()?;
    writeln!(io::stderr(), "listening on {}", server.url())?;
    logging::start(filter, format)?;
    server.run(stopped).await.map_err(|error| Failure::other(format!("serve: {error}")))?;
    Ok(Code::Done)
}

/// What is typed goes before what is in the file.
fn config(args: &ServeArgs, file: &config_file::Serve) -> Result<ServerConfig, Failure> {
    let listen = match (args.listen, &file.listen) {
        (Some(address), _) => address,
        (None, Some(text)) => listen_address(text).map_err(|error| {
            Failure::usage(format!("listen = \"{text}\" in the configuration: {error}"))
        })?,
        (None, None) => LISTEN_DEFAULT,
    };
    let mut config = ServerConfig::new(listen);
    for (name, number) in
        file.limits.iter().chain(args.limits.iter().map(|(name, number)| (name, number)))
    {
        serve_limits::set(&mut config.limits, name, *number).map_err(Failure::usage)?;
    }
    config.sql_worker = Some(sql_worker()?);
    let certificate = args.tls_certificate.as_ref().or(file.tls_certificate.as_ref());
    let key = args.tls_key.as_ref().or(file.tls_key.as_ref());
    config.tls = match (certificate, key) {
        (Some(certificate), Some(key)) => {
            Some(Tls { certificate: certificate.clone(), key: key.clone() })
        }
        (None, None) => None,
        _ => {
            return Err(Failure::usage(
                "TLS needs both a certificate and a key; give --tls-certificate and --tls-key",
            ));
        }
    };
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

/// This very program, also once another version was installed in its place.
fn sql_worker() -> Result<SqlWorker, Failure> {
    let program = if cfg!(target_os = "linux") {
        PathBuf::from("/proc/self/exe")
    } else {
        std::env::current_exe()?
    };
    Ok(SqlWorker { program, arguments: vec!["sql-worker".to_string()] })
}

/// Without any key nobody could use the server: the first start makes one and shows it once.
async fn tell_first_key(engine: &Engine) -> Result<(), Failure> {
    if !engine.keys().await?.is_empty() {
        return Ok(());
    }
    let new = NewKey {
        name: "first start".to_string(),
        role: Role::Admin,
        data_sources: None,
        expires_at: None,
    };
    let (_, key) = engine.create_key(&new, random::bytes()?).await?;
    writeln!(io::stderr(), "admin key, shown this once: {key}")?;
    Ok(())
}

/// Resolves when the process is told to stop, by Ctrl-C or SIGTERM; told once more, it ends at
/// once.
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
            }
            // What was acknowledged is on disk.
            std::process::exit(1);
        });
    })
}
