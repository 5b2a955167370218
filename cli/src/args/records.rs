//! The arguments of the commands that bring records in and take them out: import, push, delete.

use std::path::PathBuf;

use clap::Args;
use mrrow_engine::ingest::Format as InputFormat;
use mrrow_engine::model::ObjectType;

#[derive(Debug, Args)]
#[command(after_help = "\
A directory stands for its customers.*, plans.* and invoices.*, in that order. A file is of the type its name begins with
(invoices.csv.gz), or of the type named before it (invoices FILE). `-` is standard input. JSON, NDJSON, CSV and Parquet are
read, plain or compressed with gzip or zstd.

Examples:
  mrrow import ./export
  mrrow import invoices 2024.ndjson.gz --source stripe
  cat book.json | mrrow import - --dry-run
  mrrow import customers people.csv --map email_address=email")]
pub(crate) struct ImportArgs {
    /// Directories, files or -; a type (customers, plans, invoices) is that of the paths after it
    #[arg(value_name = "[TYPE] PATH", required = true)]
    pub(crate) paths: Vec<String>,
    /// The data source's id or name; created where there is none
    #[arg(long, value_name = "NAME", default_value = mrrow_engine::model::DEFAULT_DATA_SOURCE)]
    pub(crate) source: String,
    /// Read the field THEIRS as OURS; may be repeated
    #[arg(long, value_name = "THEIRS=OURS", value_parser = renaming)]
    pub(crate) map: Vec<(String, String)>,
    /// The format of the input, where names and first bytes do not tell: json, ndjson, csv or
    /// parquet
    #[arg(long, value_name = "FORMAT")]
    pub(crate) input_format: Option<InputFormat>,
    /// Validate and count, store nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// What to do when rows are rejected: store nothing, or the valid rows
    #[arg(long, value_name = "abort|skip", default_value = "abort")]
    pub(crate) on_error: OnError,
    /// Write every rejected row to this file, a JSON object a line
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Also print the summary on standard output, as json
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to do when rows are rejected.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum OnError {
    Abort,
    Skip,
}

#[derive(Debug, Args)]
#[command(after_help = "\
For each request a JSON object is printed: `result` has the id, the status (created, updated, unchanged) and the warnings of each row,
`rejections` the rows that were refused, `sequence` what a snapshot must have reached to show it. A request with a refused row is not
stored, the others are; with --on-error skip its valid rows are.

Unless the format is named, the first row of a stream waits for the second: they tell lines of JSON from a document.

Examples:
  mrrow push customers new.ndjson
  tail -F billing.ndjson | mrrow push invoices - --batch 1 --input-format ndjson")]
pub(crate) struct PushArgs {
    /// The records' type: customers, plans or invoices
    #[arg(value_name = "TYPE")]
    pub(crate) object: ObjectType,
    /// A file, or - for standard input
    #[arg(value_name = "FILE")]
    pub(crate) path: String,
    /// The data source's id or name; created where there is none
    #[arg(long, value_name = "NAME", default_value = mrrow_engine::model::DEFAULT_DATA_SOURCE)]
    pub(crate) source: String,
    /// Rows of one request at most
    #[arg(long, value_name = "ROWS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) batch: u32,
    /// Read the field THEIRS as OURS; may be repeated
    #[arg(long, value_name = "THEIRS=OURS", value_parser = renaming)]
    pub(crate) map: Vec<(String, String)>,
    /// The format of the input, where its first bytes do not tell: json, ndjson, csv or parquet
    #[arg(long, value_name = "FORMAT")]
    pub(crate) input_format: Option<InputFormat>,
    /// What to do when rows of a request are rejected: store nothing of it, or the valid rows
    #[arg(long, value_name = "abort|skip", default_value = "abort")]
    pub(crate) on_error: OnError,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A deleted invoice or plan leaves the numbers; a deleted customer hides its invoices until it is sent again. What was known before stays
known: see --known-at.

Example:
  mrrow delete invoices in_1001 in_1002 --source shop")]
pub(crate) struct DeleteArgs {
    /// The records' type: customers, plans or invoices
    #[arg(value_name = "TYPE")]
    pub(crate) object: ObjectType,
    /// The ids
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
    /// The data source's id or name
    #[arg(long, value_name = "NAME", default_value = mrrow_engine::model::DEFAULT_DATA_SOURCE)]
    pub(crate) source: String,
}

fn renaming(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((theirs, ours)) if !theirs.is_empty() && !ours.is_empty() => {
            Ok((theirs.to_string(), ours.to_string()))
        }
        _ => Err(format!("\"{text}\" is not THEIRS=OURS, such as email_address=email")),
    }
}
