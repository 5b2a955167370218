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

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

/// Plans of deeply nested SQL are walked by recursion; the longest statement that is allowed fits.
const STACK_BYTES: usize = 256 * 1024 * 1024;

/// How long threads that have nothing to do any more may take to end.
const THREADS_END_WITHIN: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    if let args::AnyCommand::SqlWorker = cli.command {
        // It limits itself before it begins any thread.
        return mrrow_server::run_sql_worker();
    }
    let running = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || run(cli));
    match running.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // The thread has told of its panic.
        Ok(Err(_panic)) => ExitCode::FAILURE,
        Err(error) => exit::report(&exit::Failure::other(format!("start a thread: {error}"))),
    }
}

fn run(cli: args::Cli) -> ExitCode {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(failure) => return exit::report(&failure),
    };
    let done = runtime.block_on(commands::run(cli));
    // Threads are joined, not detached: the C library reads a detached thread's memory after that thread may have ended and, with stacks
    // as large as ours, given it back. Only one that still waits for input that nobody will send is left behind.
    runtime.shutdown_timeout(THREADS_END_WITHIN);
    match done {
        Ok(code) => code.into(),
        Err(failure) => exit::report(&failure),
    }
}

/// Threads for what the engine does.
fn runtime() -> Result<tokio::runtime::Runtime, exit::Failure> {
    let builder = &mut tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.thread_stack_size(STACK_BYTES).enable_all().build();
    runtime.map_err(|error| exit::Failure::other(format!("start the runtime: {error}")))
}
