//! The command line: every command, argument and help text.

mod demo;
mod keys;
mod point_in_time;
mod records;
mod reports;
mod serve;
mod serve_limits;
mod settings;
mod sources;
mod sql;
mod store;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};

use crate::output::Format;

pub(crate) use demo::DemoArgs;
pub(crate) use keys::{CreateKeyArgs, KeysCommand};
pub(crate) use point_in_time::PointInTimeArgs;
pub(crate) use records::{DeleteArgs, ImportArgs, PushArgs};
pub(crate) use reports::{MovementsArgs, MrrArgs, ReportArgs};
pub(crate) use serve::{LogFormat, ServeArgs, listen_address};
pub(crate) use serve_limits::set as set_limit;
pub(crate) use settings::SettingsCommand;
pub(crate) use sources::{CreateSourceArgs, SourcesCommand};
pub(crate) use sql::SqlArgs;
pub(crate) use store::{SnapshotsArgs, StatusArgs, VerifyArgs};

/// MRR you can trust, from your own billing records.
#[derive(Debug, Parser)]
#[command(name = "mrrow", version, about, after_help = crate::exit::HELP, propagate_version = true)]
pub(crate) struct Cli {
    /// The data directory; created by the first command that uses it [default: ./mrrow-data]
    #[arg(long, global = true, value_name = "DIR", env = "MRROW_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// The configuration file [default: ./mrrow.toml, if it exists]
    #[arg(long, global = true, value_name = "FILE", env = "MRROW_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Memory budget of computations in MiB, at least 256; beyond it they spill to disk
    #[arg(long, global = true, value_name = "MIB", env = "MRROW_MEMORY_MIB",
          value_parser = clap::value_parser!(u32).range(256..))]
    pub(crate) memory: Option<u32>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Store(StoreCommand),
    /// Run one SQL statement for a server, which sends it on standard input
    #[command(hide = true)]
    SqlWorker,
    /// Generate the billing records of an invented company, to try Mrrow on
    Demo(DemoArgs),
    /// Print the OpenAPI document of the HTTP API
    Openapi,
    /// Print the script that lets a shell complete commands and options
    Completions(CompletionsArgs),
}

/// The commands that open a data directory.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Import customers, plans and invoices from files, all or nothing
    Import(ImportArgs),
    /// Push records in small requests, each acknowledged when it is durable
    Push(PushArgs),
    /// Delete records by their ids
    Delete(DeleteArgs),
    /// Print a report
    Report(ReportArgs),
    /// Print the movements of MRR
    Movements(MovementsArgs),
    /// Print opening, movements and closing MRR by period and currency
    Mrr(MrrArgs),
    /// Run read-only SQL, or open an interactive shell
    Sql(SqlArgs),
    /// Read and change the settings that the numbers depend on
    #[command(subcommand)]
    Settings(SettingsCommand),
    /// Check every rule, recompute everything from the records and compare
    Verify(VerifyArgs),
    /// Show the tables, files and settings of the data directory
    Status(StatusArgs),
    /// List the retained snapshots
    Snapshots(SnapshotsArgs),
    /// Merge small files and remove unused ones
    Compact,
    /// Create, list and revoke the keys of the HTTP API
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Create, list, rename, empty and delete data sources
    #[command(subcommand)]
    Sources(SourcesCommand),
    /// Serve the HTTP API
    Serve(ServeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// The output format [default: table on a terminal, ndjson in a pipe]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Install the script once, then start a new shell:
  bash        mrrow completions bash > ~/.local/share/bash-completion/completions/mrrow
  zsh         mrrow completions zsh > ~/.zfunc/_mrrow
  fish        mrrow completions fish > ~/.config/fish/completions/mrrow.fish
  elvish      mrrow completions elvish >> ~/.config/elvish/rc.elv
  powershell  mrrow completions powershell >> $PROFILE

zsh needs fpath+=~/.zfunc in ~/.zshrc, before compinit.")]
pub(crate) struct CompletionsArgs {
    /// The shell that runs the script
    pub(crate) shell: clap_complete::Shell,
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let instant = DateTime::parse_from_rfc3339(text);
    instant.map(|instant| instant.to_utc()).map_err(|_| {
        format!(
            "\"{text}\" is not an instant with a time zone, \
             such as 2024-03-31T23:59:59Z or 2024-04-01T00:00:00+02:00"
        )
    })
}
