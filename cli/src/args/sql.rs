//! The arguments of `mrrow sql`.

use std::path::PathBuf;

use clap::Args;
use mrrow_engine::public_tables;

use super::{OutputArgs, PointInTimeArgs};

#[derive(Debug, Args)]
#[command(after_help = help())]
pub(crate) struct SqlArgs {
    /// The statements
    #[arg(short = 'c', long = "command", value_name = "SQL",
          conflicts_with_all = ["file", "stdin"])]
    pub(crate) command: Option<String>,
    /// A file with the statements
    #[arg(short = 'f', long = "file", value_name = "FILE", conflicts_with = "stdin")]
    pub(crate) file: Option<PathBuf>,
    /// Read the statements from standard input
    #[arg(value_name = "-", value_parser = ["-"])]
    pub(crate) stdin: Option<String>,
    #[command(flatten)]
    pub(crate) point_in_time: PointInTimeArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

fn help() -> String {
    let tables: Vec<&str> = public_tables().map(|table| table.name).collect();
    format!("The tables are {}.\n\n{HELP}", tables.join(", "))
}

const HELP: &str = "\
On a terminal, without -c, -f and -, a shell opens. A statement ends with a semicolon, Tab
completes names, and \\? prints help. The shell keeps its history in
$XDG_STATE_HOME/mrrow/sql_history (~/.local/state/mrrow/sql_history), or in the file that
MRROW_HISTORY names. An empty MRROW_HISTORY turns the history off.
In a pipe, statements are read from standard input.

Statements are separated by semicolons. They run one after the other on one snapshot, until one
fails.

Examples:
  mrrow sql
  mrrow sql -c \"select type, count(*) from movements group by type\"
  mrrow sql --format csv < report.sql > report.csv";
