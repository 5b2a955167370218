//! `mrrow`: subscription analytics from billing records, on the command line.

mod exit;
mod output;

mod args;
mod config_file;

mod demo;
mod random;
mod threads;

mod sql;

mod commands;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// The C library's allocator is slow when many threads allocate small blocks.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    if let args::Command::SqlWorker = cli.command {
        // The worker limits its resources before it starts any thread.
        return mrrow_server::run_sql_worker();
    }
    // The main thread has a small stack; deeply nested SQL needs a large one.
    let running =
        std::thread::Builder::new().stack_size(threads::STACK_BYTES).spawn(move || run(cli));
    match running.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // The panic hook has printed the message.
        Ok(Err(_panic)) => ExitCode::FAILURE,
        Err(error) => exit::report(&exit::Failure::other(format!("start a thread: {error}"))),
    }
}

fn run(cli: args::Cli) -> ExitCode {
    let (foreground, background) = match (threads::foreground(), threads::background()) {
        (Ok(foreground), Ok(background)) => (foreground, background),
        (Err(failure), _) | (_, Err(failure)) => return exit::report(&failure),
    };
    let done = foreground.block_on(commands::run(cli, background.handle()));
    threads::shut_down(foreground);
    threads::shut_down(background);
    match done {
        Ok(code) => code.into(),
        Err(failure) => exit::report(&failure),
    }
}
