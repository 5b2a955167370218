//! The command line: every command, argument and help text.

mod keys;
mod records;
mod serve;
mod sources;

use std::path::PathBuf;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use clap::{Args, Parser, Subcommand};
use mrrow_engine::reports::Interval;

use crate::output::Format;

pub(crate) use keys::{CreateKeyArgs, KeysCommand};
pub(crate) use records::{DeleteArgs, ImportArgs, OnError, PushArgs};
pub(crate) use serve::{ServeArgs, listen_address};
pub(crate) use sources::{CreateSourceArgs, SourcesCommand};

/// MRR you can trust, from your own billing records.
#[derive(Debug, Parser)]
#[command(name = "mrrow", version, about, after_help = crate::exit::HELP, propagate_version = true)]
pub(crate) struct Cli {
    /// The data directory, made on first use [default: ./mrrow-data]
    #[arg(long, global = true, value_name = "DIR", env = "MRROW_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// The configuration file [default: ./mrrow.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE", env = "MRROW_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Memory in MiB that computations use before they spill to disk, at least 256
    #[arg(long, global = true, value_name = "MIB", env = "MRROW_MEMORY_MIB",
          value_parser = clap::value_parser!(u32).range(256..))]
    pub(crate) memory: Option<u32>,
    #[command(subcommand)]
    pub(crate) command: AnyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AnyCommand {
    #[command(flatten)]
    OnData(Command),
    /// Carry out one statement for a server, which tells it on standard input
    #[command(hide = true)]
    SqlWorker,
    /// Write the billing records of an invented company, to try things on
    Demo(DemoArgs),
    /// Print the OpenAPI document of what is served over HTTP
    Openapi,
    /// Print the script that lets a shell complete commands and options
    Completions(CompletionsArgs),
}

/// The commands on a data directory.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Import customers, plans and invoices from files, all or nothing
    Import(ImportArgs),
    /// Push records in small requests, each acknowledged when it is durable
    Push(PushArgs),
    /// Delete records by their ids
    Delete(DeleteArgs),
    /// Print the movements of MRR
    Movements(MovementsArgs),
    /// Print opening, movements and closing MRR by period and currency
    Mrr(MrrArgs),
    /// Run read-only SQL, or open a shell to type it
    Sql(SqlArgs),
    /// Read and change the settings that the numbers depend on
    #[command(subcommand)]
    Settings(SettingsCommand),
    /// Check every rule, and recompute everything from the records to compare it
    Verify(VerifyArgs),
    /// Show what is stored, and how
    Status(StatusArgs),
    /// List the snapshots that are kept
    Snapshots(SnapshotsArgs),
    /// Write small files together and remove those that nobody needs
    Compact,
    /// Make, list and revoke the keys of the HTTP API
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Make, list, change, empty and delete data sources
    #[command(subcommand)]
    Sources(SourcesCommand),
    /// Serve over HTTP
    Serve(ServeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Print it as one JSON object; the same as --format json
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
    /// The output's form: everything as text (table) or as a JSON object, or the tables alone in
    /// another form
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

/// The moment that is read.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct MomentArgs {
    /// The day up to which things are known; today unless given
    #[arg(long, value_name = "DATE")]
    pub(crate) as_of: Option<NaiveDate>,
    /// Read this snapshot instead of the newest
    #[arg(long, value_name = "NUMBER", conflicts_with = "known_at")]
    pub(crate) snapshot: Option<i64>,
    /// Answer as it was known at this instant, such as 2024-03-31T23:59:59Z
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub(crate) known_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Args)]
pub(crate) struct MovementsArgs {
    #[command(flatten)]
    pub(crate) moment: MomentArgs,
    /// The first day, inclusive
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<NaiveDate>,
    /// The last day, inclusive
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<NaiveDate>,
    /// Only this customer, in all data sources; SOURCE/ID in one
    #[arg(long, value_name = "ID")]
    pub(crate) customer: Option<String>,
    /// Also movements that are dated after as_of
    #[arg(long)]
    pub(crate) scheduled: bool,
    /// Also the columns cause, subtype, voluntary and invoice_ids
    #[arg(long)]
    pub(crate) causes: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct MrrArgs {
    /// How long a period is: day, week, month, quarter or year
    #[arg(long, default_value = "month")]
    pub(crate) interval: Interval,
    /// The first day; that of the first movement unless given
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<NaiveDate>,
    /// The last day; as_of unless given
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<NaiveDate>,
    #[command(flatten)]
    pub(crate) moment: MomentArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The tables are customers, plans, invoices, mrr_lines, movements and scheduled_movements.

Without -c, -f and - a terminal gets a shell: a statement ends with a semicolon, Tab completes names, \\? tells the rest. \
Its history is kept in $XDG_STATE_HOME/mrrow/sql_history (~/.local/state), or where MRROW_HISTORY says: nowhere if that is empty. \
In a pipe, statements are read from standard input.

Several statements are separated by semicolons and run on one snapshot, until one fails.

Examples:
  mrrow sql
  mrrow sql -c \"select type, count(*) from movements group by type\"
  mrrow sql --format csv < report.sql > report.csv")]
pub(crate) struct SqlArgs {
    /// The statements
    #[arg(short = 'c', long = "command", value_name = "SQL", conflicts_with_all = ["file", "stdin"])]
    pub(crate) command: Option<String>,
    /// A file with the statements
    #[arg(short = 'f', long = "file", value_name = "FILE", conflicts_with = "stdin")]
    pub(crate) file: Option<PathBuf>,
    /// Read the statements from standard input
    #[arg(value_name = "-", value_parser = ["-"])]
    pub(crate) stdin: Option<String>,
    #[command(flatten)]
    pub(crate) moment: MomentArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SettingsCommand {
    /// Print one setting
    Get {
        /// The setting's name
        name: String,
    },
    /// Change one setting, and recompute what follows from it
    Set {
        /// The setting's name
        name: String,
        /// Its value; an empty base_currency unsets it
        value: String,
    },
    /// Print all settings
    List(OutputArgs),
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// The output's form; a table on a terminal, ndjson in a pipe unless given
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Writes customers.ndjson, plans.ndjson and invoices.ndjson, the invoices in the order of their dates. \
The same arguments write the same bytes, on any machine and any day. No data directory is made or read.

The history ends on the last day of --until. Ask for numbers as of that day: later, renewals are missing.

Examples:
  mrrow demo ./demo && mrrow import ./demo && mrrow mrr --as-of 2025-12-31
  mrrow demo ./big --customers 300000 --months 36
  mrrow demo ./demo --seed 2 --until 2026-06 --force")]
pub(crate) struct DemoArgs {
    /// The directory to write into; made where it is missing
    pub(crate) dir: PathBuf,
    /// How many customers sign up in all, trials that never pay among them
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u32).range(1..=9_999_999))]
    pub(crate) customers: u32,
    /// How many months the history has
    #[arg(long, value_name = "M", default_value = "24", value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) months: u32,
    /// The last month of the history
    #[arg(long, value_name = "YYYY-MM", default_value = "2025-12", value_parser = month)]
    pub(crate) until: NaiveDate,
    /// Another seed is another company
    #[arg(long, value_name = "S", default_value = "1")]
    pub(crate) seed: u64,
    /// Replace the files of a demo that are there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Install it once, and start a new shell:
  bash        mrrow completions bash > ~/.local/share/bash-completion/completions/mrrow
  zsh         mrrow completions zsh > ~/.zfunc/_mrrow
  fish        mrrow completions fish > ~/.config/fish/completions/mrrow.fish
  elvish      mrrow completions elvish >> ~/.config/elvish/rc.elv
  powershell  mrrow completions powershell >> $PROFILE

zsh needs fpath+=~/.zfunc in ~/.zshrc, before compinit.")]
pub(crate) struct CompletionsArgs {
    /// The shell that reads the script
    pub(crate) shell: clap_complete::Shell,
}

/// The first day of a month.
fn month(text: &str) -> Result<NaiveDate, String> {
    let first = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok();
    first.filter(|first| text.len() == 7 && (1970..=2999).contains(&first.year())).ok_or_else(
        || format!("\"{text}\" is not a month from 1970-01 to 2999-12, such as 2025-12"),
    )
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let instant = DateTime::parse_from_rfc3339(text);
    instant.map(|instant| instant.to_utc()).map_err(|_| {
        format!("\"{text}\" is not an instant with a zone, such as 2024-03-31T23:59:59Z or 2024-04-01T00:00:00+02:00")
    })
}
