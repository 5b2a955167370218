//! The arguments of the commands that write records: import, push and delete.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use mrrow_engine::import::OnError;
use mrrow_engine::ingest::Format as InputFormat;
use mrrow_engine::model::ObjectType;

#[derive(Debug, Args)]
#[command(after_help = "\
A directory stands for its files customers.*, plans.* and invoices.*, in that order. The type of a
file is the first part of its name (invoices.csv.gz), or the type named before it (invoices FILE).
`-` is standard input. The formats are JSON, NDJSON, CSV and Parquet, plain or compressed with gzip
or zstd.

Examples:
  mrrow import ./export
  mrrow import invoices 2024.ndjson.gz --source stripe
  cat book.json | mrrow import - --dry-run
  mrrow import customers people.csv --map email_address=email")]
pub(crate) struct ImportArgs {
    /// Directories, files or -; a type (customers, plans, invoices) applies to the paths after it
    #[arg(value_name = "[TYPE] PATH", required = true)]
    pub(crate) paths: Vec<String>,
    /// The data source's id or name; created if it is missing
    #[arg(long, value_name = "NAME", default_value = mrrow_engine::model::DEFAULT_DATA_SOURCE)]
    pub(crate) source: String,
    /// Read the field THEIRS as the field OURS; may be repeated
    #[arg(long, value_name = "THEIRS=OURS", value_parser = renaming)]
    pub(crate) map: Vec<(String, String)>,
    /// The input format: json, ndjson, csv or parquet [default: detected from names and content]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) input_format: Option<InputFormat>,
    /// Validate and count, but store nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// When rows are rejected: store nothing (abort), or store the valid rows (skip)
    #[arg(long, value_name = "abort|skip", default_value = "abort", value_parser = on_error())]
    pub(crate) on_error: OnError,
    /// Write every rejected row to this file, one JSON object per line
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Also print the summary as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Prints one JSON object per request. `result` holds the id, the status (created, updated, unchanged)
and the warnings of each row. `rejections` holds the rejected rows. A snapshot whose last sequence
reaches `sequence` contains the request. A request with a rejected row stores nothing, and the other
requests are stored; with --on-error skip the valid rows of every request are stored.

Without --input-format the first row of a stream is processed when the second arrives: the format
is detected from both.

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
    /// The data source's id or name; created if it is missing
    #[arg(long, value_name = "NAME", default_value = mrrow_engine::model::DEFAULT_DATA_SOURCE)]
    pub(crate) source: String,
    /// Maximum number of rows in one request
    #[arg(long, value_name = "ROWS", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) batch: u32,
    /// Read the field THEIRS as the field OURS; may be repeated
    #[arg(long, value_name = "THEIRS=OURS", value_parser = renaming)]
    pub(crate) map: Vec<(String, String)>,
    /// The input format: json, ndjson, csv or parquet [default: detected from the content]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) input_format: Option<InputFormat>,
    /// When rows of a request are rejected: store nothing of it (abort), or store its valid rows
    /// (skip)
    #[arg(long, value_name = "abort|skip", default_value = "abort", value_parser = on_error())]
    pub(crate) on_error: OnError,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A deleted invoice or plan does not count in the numbers. The invoices of a deleted customer are
hidden until the customer is sent again. Earlier numbers can still be read: see --known-at of the
reports.

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

/// `abort` or `skip`, with both as possible values in the help and in completions.
fn on_error() -> impl TypedValueParser<Value = OnError> {
    PossibleValuesParser::new(["abort", "skip"]).map(|value| match value.as_str() {
        "skip" => OnError::Skip,
        _ => OnError::Abort,
    })
}

fn renaming(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((theirs, ours)) if !theirs.is_empty() && !ours.is_empty() => {
            Ok((theirs.to_string(), ours.to_string()))
        }
        _ => Err(format!("\"{text}\" is not THEIRS=OURS, such as email_address=email")),
    }
}
