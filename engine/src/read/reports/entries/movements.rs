//! The report `movements`: the movements of a range of days, of all customers or one.

use crate::read::reports::report::{
    ColumnKind, ParameterKind, Report, ReportColumn, ReportParameter,
};

pub(in crate::read::reports) static MOVEMENTS: Report = Report {
    name: "movements",
    title: "The movements of MRR, ordered by date, data source, customer and currency.",
    is_public: true,
    sql: include_str!("../../../../sql/reports/movements.sql"),
    relations: &[],
    parameters: &[
        ReportParameter::new("from", ParameterKind::Day, "The first day, inclusive."),
        ReportParameter::new("to", ParameterKind::Day, "The last day, inclusive."),
        ReportParameter::new(
            "customer",
            ParameterKind::Text,
            "The id of the only customer, in all data sources; SOURCE/ID in one of them.",
        ),
        ReportParameter::new(
            "scheduled",
            ParameterKind::Flag,
            "Include movements that are dated after as_of.",
        ),
        ReportParameter::new(
            "causes",
            ParameterKind::Flag,
            "Include the columns cause, subtype, voluntary and invoice_ids.",
        ),
    ],
    columns: &[
        ReportColumn::new("date", ColumnKind::Day, ""),
        ReportColumn::new("data_source", ColumnKind::Text, ""),
        ReportColumn::new("customer_id", ColumnKind::Text, ""),
        ReportColumn::new("currency", ColumnKind::Text, ""),
        ReportColumn::new(
            "type",
            ColumnKind::Text,
            "new, expansion, contraction, churn or reactivation.",
        ),
        ReportColumn::new("amount", ColumnKind::Money, "The signed change of MRR."),
        ReportColumn::new("mrr_after", ColumnKind::Money, "The customer's MRR after it."),
        ReportColumn::new("scheduled", ColumnKind::Flag, "Whether it is dated after as_of."),
        ReportColumn::new("cause", ColumnKind::Text, "").included_by("causes"),
        ReportColumn::new("subtype", ColumnKind::Text, "").nullable().included_by("causes"),
        ReportColumn::new("voluntary", ColumnKind::Flag, "").nullable().included_by("causes"),
        ReportColumn::new("invoice_ids", ColumnKind::TextList, "").included_by("causes"),
    ],
};
