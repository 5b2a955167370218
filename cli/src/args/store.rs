//! The arguments of the commands that inspect a data directory: status, snapshots and verify.

use clap::Args;

use super::OutputArgs;
use crate::output::Format;

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Print one JSON object; the same as --format json
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
    /// The output format: table and json print everything, the others only the list of tables
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A snapshot without files is computed again from the versions of its records when it is read.

Example:
  mrrow mrr --snapshot 12")]
pub(crate) struct SnapshotsArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
