//! The arguments of `mrrow demo`.

use std::path::PathBuf;

use chrono::{Datelike, NaiveDate};
use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Writes customers.ndjson, plans.ndjson and invoices.ndjson, with invoices in order of date.
The same arguments write the same bytes, on any machine and on any day. No data directory is
created or read.

The history ends on the last day of --until. Read the numbers with --as-of that day: on later
days the renewals are missing.

Examples:
  mrrow demo ./demo && mrrow import ./demo && mrrow mrr --as-of 2025-12-31
  mrrow demo ./big --customers 300000 --months 36
  mrrow demo ./demo --seed 2 --until 2026-06 --force")]
pub(crate) struct DemoArgs {
    /// The directory to write to; created if it is missing
    pub(crate) dir: PathBuf,
    /// Number of customers that sign up, including trials that never pay
    #[arg(long, value_name = "N", default_value = "1000",
          value_parser = clap::value_parser!(u32).range(1..=9_999_999))]
    pub(crate) customers: u32,
    /// Number of months in the history
    #[arg(long, value_name = "M", default_value = "24",
          value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) months: u32,
    /// The last month of the history
    #[arg(long, value_name = "YYYY-MM", default_value = "2025-12", value_parser = month)]
    pub(crate) until: NaiveDate,
    /// Seed of the random numbers; another seed invents another company
    #[arg(long, value_name = "S", default_value = "1")]
    pub(crate) seed: u64,
    /// Replace the files of an earlier demo
    #[arg(long)]
    pub(crate) force: bool,
}

/// The first day of a month.
fn month(text: &str) -> Result<NaiveDate, String> {
    let first = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok();
    first.filter(|first| text.len() == 7 && (1970..=2999).contains(&first.year())).ok_or_else(
        || format!("\"{text}\" is not a month from 1970-01 to 2999-12, such as 2025-12"),
    )
}
