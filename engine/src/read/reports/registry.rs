//! The registry of reports. A report is an entry in `entries/` and a file in `sql/reports/`; HTTP,
//! the command line and the documentation read the registry.

use super::entries::{movements::MOVEMENTS, mrr::MRR, subscribers::SUBSCRIBERS};
use super::error::ReportError;
use super::report::Report;

/// Every report.
pub static REPORTS: [&Report; 3] = [&MOVEMENTS, &MRR, &SUBSCRIBERS];

/// The public report with this name.
///
/// # Errors
/// When there is none.
pub fn report(name: &str) -> Result<&'static Report, ReportError> {
    let found = REPORTS.iter().copied().find(|report| report.is_public && report.name == name);
    found.ok_or_else(|| ReportError::UnknownReport { name: name.to_string(), known: names() })
}

/// The names of the public reports.
pub(super) fn names() -> String {
    let names: Vec<&str> =
        REPORTS.iter().filter(|report| report.is_public).map(|report| report.name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::read::reports::report::{ParameterKind, Relation};

    /// The names that SQL binds, without its comments.
    fn bound_by(sql: &str) -> BTreeSet<&str> {
        let code = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
        let names = code.flat_map(|line| line.split('$').skip(1)).filter_map(|rest| {
            rest.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next()
        });
        names.collect()
    }

    fn used_by(relation: Relation) -> &'static [&'static str] {
        match relation {
            Relation::Periods => &["interval", "from", "to"],
        }
    }

    #[test]
    fn entry_states_the_parameters_that_its_sql_uses() {
        for report in REPORTS {
            let mut used = bound_by(report.sql);
            used.extend(report.relations.iter().copied().flat_map(used_by));
            used.extend(report.columns.iter().filter_map(|column| column.included_by));
            let stated: BTreeSet<&str> =
                report.parameters.iter().map(|parameter| parameter.name).collect();
            assert_eq!(stated, used, "{}", report.name);
        }
    }

    #[test]
    fn defaults_are_values_of_their_parameters() {
        for report in REPORTS {
            assert!(report.request(&[]).is_ok(), "{}", report.name);
        }
    }

    #[test]
    fn columns_are_included_by_flags() {
        for report in REPORTS {
            for flag in report.columns.iter().filter_map(|column| column.included_by) {
                let is_flag = report.parameters.iter().any(|parameter| {
                    parameter.name == flag && parameter.kind == ParameterKind::Flag
                });
                assert!(is_flag, "{}: {flag}", report.name);
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<&str> = REPORTS.iter().map(|report| report.name).collect();
        assert_eq!(names.len(), REPORTS.len());
    }
}
