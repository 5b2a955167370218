//! The errors of a request for a report.

/// A request for a report that cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// No report has this name.
    #[error("there is no report \"{name}\"; the reports are {known}")]
    UnknownReport {
        /// The name of the request.
        name: String,
        /// The names of all reports.
        known: String,
    },
    /// The report has no parameter of this name.
    #[error("the report \"{report}\" has no parameter \"{name}\"; its parameters are {known}")]
    UnknownParameter {
        /// The report.
        report: &'static str,
        /// The name of the request.
        name: String,
        /// The names of the report's parameters.
        known: String,
    },
    /// A parameter does not take the value.
    #[error("{message}")]
    InvalidValue {
        /// The parameter.
        name: &'static str,
        /// The value and its remedy.
        message: String,
    },
}
