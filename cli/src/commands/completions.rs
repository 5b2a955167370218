//! `mrrow completions`: the script that lets a shell complete commands and options.

use std::io::Write;

use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs};
use crate::exit::{Code, Failure};

pub(super) fn run(args: &CompletionsArgs) -> Result<Code, Failure> {
    // The generator panics when a write fails, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "mrrow", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(Code::Done)
}
