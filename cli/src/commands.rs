//! The commands: each asks for one thing, most of them the engine of a data directory, and prints
//! the answer.

mod compact;
mod completions;
mod delete;
mod demo;
mod import;
mod keys;
mod movements;
mod mrr;
mod openapi;
mod push;
mod serve;
mod settings;
mod snapshots;
mod sources;
mod sql;
mod status;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Utc;
use mrrow_engine::{Config, Engine};
use tokio::runtime::Handle;

use crate::args::{AnyCommand, Cli, Command};
use crate::config_file;
use crate::exit::{Code, Failure};

const MIB: usize = 1024 * 1024;

/// The data directory unless it is told.
const DATA_DEFAULT: &str = "./mrrow-data";

/// Carries out what was typed.
pub(crate) async fn run(cli: Cli, background: &Handle) -> Result<Code, Failure> {
    match &cli.command {
        AnyCommand::OnData(command) => run_on_data(&cli, command, background).await,
        AnyCommand::Demo(args) => demo::run(args),
        // `main` turns to it before there is any thread.
        AnyCommand::SqlWorker => Err(Failure::other("a statement's process is begun by a server")),
        AnyCommand::Openapi => openapi::run(),
        AnyCommand::Completions(args) => completions::run(args),
    }
}

async fn run_on_data(cli: &Cli, command: &Command, background: &Handle) -> Result<Code, Failure> {
    let file = config_file::read(cli.config.as_deref())?;
    let data =
        cli.data.as_ref().or(file.data.as_ref()).map_or(Path::new(DATA_DEFAULT), PathBuf::as_path);
    let mut config = Config::new(data, Arc::new(Utc::now));
    if let Some(mib) = cli.memory.or(file.memory_mib) {
        config.memory_bytes = mib as usize * MIB;
    }
    // Of any other command the work is what is waited for.
    config.background = matches!(command, Command::Serve(_)).then(|| background.clone());
    let engine = Arc::new(Engine::open(config).await?);
    let done = match command {
        Command::Import(args) => import::run(&engine, args).await,
        Command::Push(args) => push::run(&engine, args).await,
        Command::Delete(args) => delete::run(&engine, args).await,
        Command::Movements(args) => movements::run(&engine, args).await,
        Command::Mrr(args) => mrr::run(&engine, args).await,
        Command::Sql(args) => sql::run(&engine, args).await,
        Command::Settings(command) => settings::run(&engine, command).await,
        Command::Verify(args) => verify::run(&engine, args).await,
        Command::Status(args) => status::run(&engine, args).await,
        Command::Snapshots(args) => snapshots::run(&engine, args).await,
        Command::Compact => compact::run(&engine).await,
        Command::Keys(command) => keys::run(&engine, command).await,
        Command::Sources(command) => sources::run(&engine, command).await,
        Command::Serve(args) => serve::run(&engine, args, &file.serve).await,
    };
    let closed = match Arc::try_unwrap(engine) {
        Ok(engine) => engine.close().await,
        // Something is still at work; what is acknowledged is published when the directory is
        // opened next.
        Err(engine) => engine.flush().await,
    };
    let code = done?;
    closed?;
    Ok(code)
}
