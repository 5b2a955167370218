//! The form of a registry entry: a report's name, SQL, parameters and columns.

use std::str::FromStr;

use chrono::NaiveDate;
use datafusion::scalar::ScalarValue;

use super::periods::Interval;
use crate::mrr::date_value;

/// A report. HTTP, the command line and the documentation read it.
#[derive(Debug)]
pub struct Report {
    /// Its name in paths and commands.
    pub name: &'static str,
    /// Its subject, as a sentence.
    pub title: &'static str,
    /// Whether HTTP and the command line offer it. Other reports are parts of other answers.
    pub is_public: bool,
    /// The parameters of its own. Every read also has `as_of`, `snapshot`, `known_at` and
    /// `data_source`, which choose the snapshot and are not listed.
    pub parameters: &'static [ReportParameter],
    /// The columns of its rows, in their order.
    pub columns: &'static [ReportColumn],
    /// Its query. It binds each parameter by its name.
    pub sql: &'static str,
    pub(super) relations: &'static [Relation],
}

/// A relation that the SQL of a report reads beside the public tables. It is made from parameters
/// of the request. Filters, breakdowns and the currency of a report belong here too, as one
/// relation `scope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// `periods`, made from the parameters `interval`, `from` and `to`.
    Periods,
}

/// A parameter of a report.
#[derive(Debug)]
pub struct ReportParameter {
    /// Its name.
    pub name: &'static str,
    /// The form of its value.
    pub kind: ParameterKind,
    /// The value of a request without it, as text. Without a default the parameter is null.
    pub default: Option<&'static str>,
    /// Its meaning, as a sentence.
    pub about: &'static str,
}

/// The form of a parameter's value. A form may also be a range, a list or a set of filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// A date as YYYY-MM-DD.
    Day,
    /// The name of an [`Interval`].
    Interval,
    /// Any text.
    Text,
    /// true or 1, false or 0; true without a value, false by default.
    Flag,
}

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ParameterValue {
    Day(NaiveDate),
    Interval(Interval),
    Text(String),
    Flag(bool),
}

/// A column of a report.
#[derive(Debug)]
pub struct ReportColumn {
    /// Its name.
    pub name: &'static str,
    /// The form of its values.
    pub kind: ColumnKind,
    /// Its meaning, as a sentence; empty where the name says it.
    pub about: &'static str,
    /// Whether it can be null.
    pub is_nullable: bool,
    /// The flag that includes it; every answer has it if there is none.
    pub included_by: Option<&'static str>,
}

/// The form of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// A date.
    Day,
    /// Text.
    Text,
    /// A list of texts.
    TextList,
    /// Minor units of a currency, a decimal with 4 digits after the point.
    Money,
    /// A whole number.
    Count,
    /// True or false.
    Flag,
}

impl ParameterKind {
    pub(super) fn parse(self, text: &str) -> Result<ParameterValue, String> {
        match self {
            ParameterKind::Day => parse_day(text).map(ParameterValue::Day),
            ParameterKind::Interval => Interval::from_str(text).map(ParameterValue::Interval),
            ParameterKind::Text => Ok(ParameterValue::Text(text.to_string())),
            ParameterKind::Flag => parse_flag(text).map(ParameterValue::Flag),
        }
    }

    /// The value that SQL binds, also for a parameter without a value.
    pub(super) fn bound(self, value: Option<&ParameterValue>) -> ScalarValue {
        match (self, value) {
            (_, Some(ParameterValue::Day(day))) => date_value(Some(*day)),
            (_, Some(ParameterValue::Interval(interval))) => {
                ScalarValue::Utf8(Some(interval.name().to_string()))
            }
            (_, Some(ParameterValue::Text(text))) => ScalarValue::Utf8(Some(text.clone())),
            (_, Some(ParameterValue::Flag(flag))) => ScalarValue::Boolean(Some(*flag)),
            (ParameterKind::Day, None) => date_value(None),
            (ParameterKind::Interval | ParameterKind::Text, None) => ScalarValue::Utf8(None),
            (ParameterKind::Flag, None) => ScalarValue::Boolean(Some(false)),
        }
    }
}

impl ReportParameter {
    pub(super) const fn new(
        name: &'static str,
        kind: ParameterKind,
        about: &'static str,
    ) -> ReportParameter {
        ReportParameter { name, kind, default: None, about }
    }

    pub(super) const fn with_default(self, default: &'static str) -> ReportParameter {
        ReportParameter { default: Some(default), ..self }
    }
}

impl ReportColumn {
    pub(super) const fn new(
        name: &'static str,
        kind: ColumnKind,
        about: &'static str,
    ) -> ReportColumn {
        ReportColumn { name, kind, about, is_nullable: false, included_by: None }
    }

    pub(super) const fn nullable(self) -> ReportColumn {
        ReportColumn { is_nullable: true, ..self }
    }

    pub(super) const fn included_by(self, flag: &'static str) -> ReportColumn {
        ReportColumn { included_by: Some(flag), ..self }
    }
}

/// A date in one form only, so that equal requests are equal texts.
fn parse_day(text: &str) -> Result<NaiveDate, String> {
    let is_expected = |(at, byte): (usize, u8)| {
        if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() }
    };
    let is_in_form = text.len() == 10 && text.bytes().enumerate().all(is_expected);
    let day = text.parse().ok().filter(|_| is_in_form);
    day.ok_or_else(|| format!("\"{text}\" is not a date such as 2025-12-31"))
}

fn parse_flag(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" | "" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(format!("\"{text}\" is neither \"true\" nor \"false\"")),
    }
}
