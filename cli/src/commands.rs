//! The commands: each makes one call, most of them to the engine, and prints the result.

mod listing;
mod running_server;

mod import;
mod push;

mod delete;

mod reports;
mod sql;

mod compact;
mod settings;
mod snapshots;
mod status;
mod verify;

mod keys;
mod sources;

mod completions;
mod demo;
mod openapi;
mod serve;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Utc;
use mrrow_engine::{Config, Engine};
use tokio::runtime::Handle;

use crate::args::{Cli, Command, StoreCommand};
use crate::config_file;
use crate::exit::{Code, Failure};

const MIB: usize = 1024 * 1024;

const DATA_DEFAULT: &str = "./mrrow-data";

/// Runs the command of the command line.
pub(crate) async fn run(cli: Cli, background: &Handle) -> Result<Code, Failure> {
    match &cli.command {
        Command::Store(command) => run_on_store(&cli, command, background).await,
        Command::Demo(args) => demo::run(args),
        // `main` runs the worker before it starts any thread.
        Command::SqlWorker => Err(Failure::other("only a server starts sql-worker")),
        Command::Openapi => openapi::run(),
        Command::Completions(args) => completions::run(args),
    }
}

async fn run_on_store(
    cli: &Cli,
    command: &StoreCommand,
    background: &Handle,
) -> Result<Code, Failure> {
    let file = config_file::read(cli.config.as_deref())?;
    let data =
        cli.data.as_ref().or(file.data.as_ref()).map_or(Path::new(DATA_DEFAULT), PathBuf::as_path);
    let mut config = Config::new(data, Arc::new(Utc::now));
    if let Some(mib) = cli.memory.or(file.memory_mib) {
        config.memory_bytes = mib as usize * MIB;
    }
    // Only a server has requests that take precedence over flushes and compactions.
    config.background = matches!(command, StoreCommand::Serve(_)).then(|| background.clone());
    let engine = Arc::new(Engine::open(config).await?);
    let done = match command {
        StoreCommand::Import(args) => import::run(&engine, args).await,
        StoreCommand::Push(args) => push::run(&engine, args).await,
        StoreCommand::Delete(args) => delete::run(&engine, args).await,
        StoreCommand::Report(args) => reports::report(&engine, args).await,
        StoreCommand::Movements(args) => reports::movements(&engine, args).await,
        StoreCommand::Mrr(args) => reports::mrr(&engine, args).await,
        StoreCommand::Sql(args) => sql::run(&engine, args).await,
        StoreCommand::Settings(command) => settings::run(&engine, command).await,
        StoreCommand::Verify(args) => verify::run(&engine, args).await,
        StoreCommand::Status(args) => status::run(&engine, args).await,
        StoreCommand::Snapshots(args) => snapshots::run(&engine, args).await,
        StoreCommand::Compact => compact::run(&engine).await,
        StoreCommand::Keys(command) => keys::run(&engine, command).await,
        StoreCommand::Sources(command) => sources::run(&engine, command).await,
        StoreCommand::Serve(args) => serve::run(&engine, args, &file.serve).await,
    };
    let closed = match Arc::try_unwrap(engine) {
        Ok(engine) => engine.close().await,
        // A task still holds the engine. Pushes that the flush misses stay in the inbox, and the
        // next writer publishes them.
        Err(engine) => engine.flush().await,
    };
    let code = done?;
    closed?;
    Ok(code)
}
