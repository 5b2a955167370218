//! `mrrow serve`: serves the HTTP API until Ctrl-C or SIGTERM.

mod config;
mod log;

use std::io::{self, Write};
use std::sync::Arc;

use mrrow_engine::Engine;
use mrrow_engine::access::{NewKey, Role};
use mrrow_server::Server;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::ServeArgs;
use crate::config_file::ServeSection;
use crate::exit::{Code, Failure};
use crate::random;

const LOG_DEFAULT: &str = "info";

pub(super) async fn run(
    engine: &Arc<Engine>,
    args: &ServeArgs,
    file: &ServeSection,
) -> Result<Code, Failure> {
    let log_format = config::log_format(args, file)?;
    let log_filter = args.log.as_deref().or(file.log.as_deref()).unwrap_or(LOG_DEFAULT);
    let config = config::server(args, file)?;
    let listen = config.listen;
    engine.start_writing().await?;
    let server = Server::bind(Arc::clone(engine), config, random::source())
        .await
        .map_err(|error| Failure::other(format!("listen on {listen}: {error}")))?;
    create_first_key(engine).await?;
    // The next line is a signal to other programs that the server can be stopped.
    let stopped = stop_signal()?;
    writeln!(io::stderr(), "listening on {}", server.url())?;
    log::start(log_filter, log_format)?;
    server.run(stopped).await.map_err(|error| Failure::other(format!("serve: {error}")))?;
    Ok(Code::Done)
}

/// Creates an admin key if there is no key, since no client could use the server without one.
async fn create_first_key(engine: &Engine) -> Result<(), Failure> {
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

/// Resolves at the first Ctrl-C or SIGTERM. The second one ends the process at once.
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let mut signals = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
    Ok(async move {
        any_signal(&mut signals).await;
        tokio::spawn(async move {
            any_signal(&mut signals).await;
            // Safe at any time: acknowledged requests are durable.
            std::process::exit(1);
        });
    })
}

async fn any_signal([interrupt, terminate]: &mut [Signal; 2]) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
