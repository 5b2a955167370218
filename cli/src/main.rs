//! `mrrow`: subscription analytics from billing records, on the command line.

mod args;
mod beside;
mod commands;
mod config_file;
mod demo;
mod exit;
mod logging;
mod moment;
mod output;
mod progress;
mod random;
mod serve_limits;
mod sql;
mod threads;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// Many threads of ours take and give small pieces of memory all the time, which the C library's
/// allocator is slow at.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    if let args::AnyCommand::SqlWorker = cli.command {
        // It limits itself before it begins any thread.
        return mrrow_server::run_sql_worker();
    }
    let running =
        std::thread::Builder::new().stack_size(threads::STACK_BYTES).spawn(move || run(cli));
    match running.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // The thread has told of its panic.
        Ok(Err(_panic)) => ExitCode::FAILURE,
        Err(error) => exit::report(&exit::Failure::other(format!("start a thread: {error}"))),
    }
}

fn run(cli: args::Cli) -> ExitCode {
    let (runtime, background) = match (threads::for_calls(), threads::for_background()) {
        (Ok(runtime), Ok(background)) => (runtime, background),
        (Err(failure), _) | (_, Err(failure)) => return exit::report(&failure),
    };
    let done = runtime.block_on(commands::run(cli, background.handle()));
    threads::end(runtime);
    threads::end(background);
    match done {
        Ok(code) => code.into(),
        Err(failure) => exit::report(&failure),
    }
}
