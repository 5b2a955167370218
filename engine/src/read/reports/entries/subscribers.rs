//! The report `subscribers`: first and last movement and MRR of each customer.

use crate::read::reports::report::{
    ColumnKind, ParameterKind, Report, ReportColumn, ReportParameter,
};

pub(in crate::read::reports) static SUBSCRIBERS: Report = Report {
    name: "subscribers",
    title: "The first and the last movement and the MRR of each customer and currency.",
    is_public: false,
    sql: include_str!("../../../../sql/reports/subscribers.sql"),
    relations: &[],
    parameters: &[
        ReportParameter::new("source", ParameterKind::Text, "The id of the only data source."),
        ReportParameter::new("customer", ParameterKind::Text, "The id of the only customer."),
    ],
    columns: &[
        ReportColumn::new("data_source", ColumnKind::Text, ""),
        ReportColumn::new("customer_id", ColumnKind::Text, ""),
        ReportColumn::new("currency", ColumnKind::Text, ""),
        ReportColumn::new("paid_from", ColumnKind::Day, "The day of the first movement."),
        ReportColumn::new("changed_on", ColumnKind::Day, "The day of the last movement."),
        ReportColumn::new("mrr", ColumnKind::Money, "The MRR after it."),
    ],
};
