//! The arguments of the reports: `mrrow movements` and `mrrow mrr`.

use chrono::NaiveDate;
use clap::Args;
use mrrow_engine::reports::Interval;

use super::{OutputArgs, PointInTimeArgs};

#[derive(Debug, Args)]
pub(crate) struct MovementsArgs {
    #[command(flatten)]
    pub(crate) point_in_time: PointInTimeArgs,
    /// The first day, inclusive
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<NaiveDate>,
    /// The last day, inclusive
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<NaiveDate>,
    /// Only this customer, in all data sources; SOURCE/ID names one of one data source
    #[arg(long, value_name = "ID")]
    pub(crate) customer: Option<String>,
    /// Include scheduled movements, which are dated after as_of
    #[arg(long)]
    pub(crate) scheduled: bool,
    /// Include the columns cause, subtype, voluntary and invoice_ids
    #[arg(long)]
    pub(crate) causes: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct MrrArgs {
    /// The length of a period: day, week, month, quarter or year
    #[arg(long, default_value = "month")]
    pub(crate) interval: Interval,
    /// The first day [default: the day of the first movement]
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<NaiveDate>,
    /// The last day [default: as_of]
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<NaiveDate>,
    #[command(flatten)]
    pub(crate) point_in_time: PointInTimeArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
