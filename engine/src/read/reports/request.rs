//! A request for a report: its parameters, parsed.

use std::collections::HashMap;

use chrono::NaiveDate;
use datafusion::scalar::ScalarValue;

use super::error::ReportError;
use super::periods::Interval;
use super::registry::{REPORTS, names};
use super::report::{ParameterValue, Report, ReportColumn};

/// A report with valid parameters.
///
/// ```
/// use mrrow_engine::reports::ReportRequest;
///
/// let quarters = ReportRequest::new("mrr", &[("interval", "quarter"), ("from", "2024-01-01")]);
/// assert!(quarters.is_ok());
/// let error = ReportRequest::new("mrr", &[("colour", "red")]).unwrap_err();
/// assert!(error.to_string().contains("has no parameter \"colour\""));
/// ```
#[derive(Debug, Clone)]
pub struct ReportRequest {
    report: &'static Report,
    values: HashMap<&'static str, ParameterValue>,
}

impl ReportRequest {
    /// A request for the report with this name. Parameters are pairs of a name and a value.
    ///
    /// # Errors
    /// When there is no such report or parameter, or a parameter does not take its value.
    pub fn new(name: &str, parameters: &[(&str, &str)]) -> Result<ReportRequest, ReportError> {
        let report = REPORTS.iter().copied().find(|report| report.name == name);
        let report = report
            .ok_or_else(|| ReportError::UnknownReport { name: name.to_string(), known: names() })?;
        report.request(parameters)
    }
}

impl Report {
    /// A request for the report. Parameters are pairs of a name and a value.
    ///
    /// # Errors
    /// When there is no such parameter, or a parameter does not take its value.
    pub fn request(
        &'static self,
        parameters: &[(&str, &str)],
    ) -> Result<ReportRequest, ReportError> {
        let mut values = HashMap::new();
        for (name, text) in parameters {
            let parameter = self.parameters.iter().find(|parameter| parameter.name == *name);
            let parameter = parameter.ok_or_else(|| self.unknown_parameter(name))?;
            let name = parameter.name;
            let invalid = |message| ReportError::InvalidValue { name, message };
            let value = parameter.kind.parse(text).map_err(invalid)?;
            if values.insert(name, value).is_some() {
                return Err(invalid(format!("the parameter \"{name}\" is given twice")));
            }
        }
        for parameter in self.parameters {
            if let (Some(text), false) = (parameter.default, values.contains_key(parameter.name)) {
                let invalid = |message| ReportError::InvalidValue { name: parameter.name, message };
                values.insert(parameter.name, parameter.kind.parse(text).map_err(invalid)?);
            }
        }
        Ok(ReportRequest { report: self, values })
    }

    fn unknown_parameter(&self, name: &str) -> ReportError {
        let known: Vec<&str> = self.parameters.iter().map(|parameter| parameter.name).collect();
        ReportError::UnknownParameter {
            report: self.name,
            name: name.to_string(),
            known: known.join(", "),
        }
    }
}

impl ReportRequest {
    /// The report.
    pub fn report(&self) -> &'static Report {
        self.report
    }

    /// The columns of its rows.
    pub(super) fn columns(&self) -> impl Iterator<Item = &'static ReportColumn> {
        self.report
            .columns
            .iter()
            .filter(|column| column.included_by.is_none_or(|flag| self.flag(flag)))
    }

    /// The value of each parameter, as SQL binds it.
    pub(super) fn bound_values(&self) -> HashMap<String, ScalarValue> {
        let bound = self.report.parameters.iter().map(|parameter| {
            let value = parameter.kind.bound(self.values.get(parameter.name));
            (parameter.name.to_string(), value)
        });
        bound.collect()
    }

    pub(super) fn day(&self, name: &str) -> Option<NaiveDate> {
        match self.values.get(name) {
            Some(ParameterValue::Day(day)) => Some(*day),
            _ => None,
        }
    }

    pub(super) fn interval(&self, name: &str) -> Interval {
        match self.values.get(name) {
            Some(ParameterValue::Interval(interval)) => *interval,
            _ => Interval::default(),
        }
    }

    fn flag(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(ParameterValue::Flag(true)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(report: &str, parameters: &[(&str, &str)], expected: &str) {
        let error = ReportRequest::new(report, parameters).err();
        let message = error.map_or(String::new(), |error| error.to_string());
        assert_eq!(message, expected, "{report} {parameters:?}");
    }

    #[test]
    fn requests_are_checked_against_their_entry() {
        check("mrr", &[], "");
        check("mrr", &[("interval", "week")], "");
        check("churned", &[], "there is no report \"churned\"; the reports are movements, mrr");
        let unknown = "the report \"mrr\" has no parameter \"customer\"; its parameters are \
                       interval, from, to";
        check("mrr", &[("customer", "c")], unknown);
        for day in ["2023-02-29", "2024-2-9", "+12024-02-29", "20240229", ""] {
            let message = format!("\"{day}\" is not a date such as 2025-12-31");
            check("mrr", &[("from", day)], &message);
        }
        let twice = "the parameter \"to\" is given twice";
        check("mrr", &[("to", "2024-01-01"), ("to", "2024-01-02")], twice);
        check("movements", &[("causes", "")], "");
        check("movements", &[("causes", "yes")], "\"yes\" is neither \"true\" nor \"false\"");
    }

    #[test]
    fn column_is_included_by_its_flag() {
        let count = |parameters: &[(&str, &str)]| {
            ReportRequest::new("movements", parameters).map(|request| request.columns().count())
        };
        assert_eq!(count(&[]), Ok(8));
        assert_eq!(count(&[("causes", "true")]), Ok(12));
    }
}
