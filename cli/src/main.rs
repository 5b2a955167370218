//! `mrrow`: subscription analytics from billing records, on the command line.

mod args;
mod commands;
mod exit;
mod output;
mod progress;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(&exit::Failure::other(format!("start the runtime: {error}"))),
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(code) => code.into(),
        Err(failure) => exit::report(&failure),
    }
}
