//! The arguments of the reports: `mrrow report`, `mrrow movements` and `mrrow mrr`.

use chrono::NaiveDate;
use clap::Args;
use clap::builder::PossibleValuesParser;
use mrrow_engine::reports::{Interval, ParameterKind, REPORTS, Report, ReportParameter};

use super::{OutputArgs, PointInTimeArgs};

#[derive(Debug, Args)]
#[command(after_help = reports_help())]
pub(crate) struct ReportArgs {
    /// The report
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(names()))]
    pub(crate) name: String,
    /// A parameter of the report; may be repeated
    #[arg(short = 'p', long = "parameter", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) parameters: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) point_in_time: PointInTimeArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct MovementsArgs {
    #[command(flatten)]
    pub(crate) point_in_time: PointInTimeArgs,
    #[arg(long, value_name = "DATE", help = help_of("movements", "from"))]
    pub(crate) from: Option<NaiveDate>,
    #[arg(long, value_name = "DATE", help = help_of("movements", "to"))]
    pub(crate) to: Option<NaiveDate>,
    #[arg(long, value_name = "ID", help = help_of("movements", "customer"))]
    pub(crate) customer: Option<String>,
    #[arg(long, help = help_of("movements", "scheduled"))]
    pub(crate) scheduled: bool,
    #[arg(long, help = help_of("movements", "causes"))]
    pub(crate) causes: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct MrrArgs {
    #[arg(long, default_value = "month", help = help_of("mrr", "interval"))]
    pub(crate) interval: Interval,
    #[arg(long, value_name = "DATE", help = help_of("mrr", "from"))]
    pub(crate) from: Option<NaiveDate>,
    #[arg(long, value_name = "DATE", help = help_of("mrr", "to"))]
    pub(crate) to: Option<NaiveDate>,
    #[command(flatten)]
    pub(crate) point_in_time: PointInTimeArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

fn public_reports() -> impl Iterator<Item = &'static Report> {
    REPORTS.into_iter().filter(|report| report.is_public)
}

fn names() -> Vec<&'static str> {
    public_reports().map(|report| report.name).collect()
}

/// The reports with their parameters, for `mrrow report --help`.
fn reports_help() -> String {
    let mut help = "The reports and their parameters:\n".to_string();
    for report in public_reports() {
        help.push_str(&format!("\n{}\n  {}\n", report.name, report.title));
        for parameter in report.parameters {
            let form = format!("{}={}", parameter.name, value_form(parameter.kind));
            help.push_str(&format!("  {form:<20} {}\n", about(parameter)));
        }
    }
    help.push_str(
        "\nEach report also takes data_source=ID, the id or name of the only data source.\n\n\
         Example:\n  mrrow report mrr -p interval=quarter -p from=2024-01-01 --format csv",
    );
    help
}

fn value_form(kind: ParameterKind) -> &'static str {
    match kind {
        ParameterKind::Day => "DATE",
        ParameterKind::Interval => "INTERVAL",
        ParameterKind::Text => "TEXT",
        ParameterKind::Flag => "true|false",
    }
}

/// The help of a parameter; a test checks that each exists.
fn help_of(report: &str, parameter: &str) -> String {
    public_reports()
        .filter(|entry| entry.name == report)
        .flat_map(|entry| entry.parameters)
        .find(|entry| entry.name == parameter)
        .map_or_else(String::new, |entry| about(entry).to_string())
}

/// Help texts end without a full stop.
fn about(parameter: &ReportParameter) -> &'static str {
    parameter.about.trim_end_matches('.')
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_string(), value.to_string())),
        _ => Err(format!("\"{text}\" is not KEY=VALUE, such as interval=quarter")),
    }
}

#[cfg(test)]
mod tests {
    use super::help_of;

    #[test]
    fn options_have_the_help_of_their_parameters() {
        for (report, parameter) in [
            ("movements", "from"),
            ("movements", "to"),
            ("movements", "customer"),
            ("movements", "scheduled"),
            ("movements", "causes"),
            ("mrr", "interval"),
            ("mrr", "from"),
            ("mrr", "to"),
        ] {
            assert!(!help_of(report, parameter).is_empty(), "{report} {parameter}");
        }
    }
}
