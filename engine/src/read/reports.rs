//! The reports: each an entry of the registry and a SQL file over the public tables.

mod entries;
mod error;
mod periods;
mod registry;
mod relations;
mod report;
mod request;
mod run;

pub use error::ReportError;
pub use periods::{Interval, PERIODS_MAX};
pub use registry::{REPORTS, report};
pub use report::{ColumnKind, ParameterKind, Report, ReportColumn, ReportParameter};
pub use request::ReportRequest;

pub(crate) use run::run;
