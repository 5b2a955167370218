//! The report `mrr`: opening, movements by type and closing of each period and currency.

use crate::read::reports::report::{
    ColumnKind, ParameterKind, Relation, Report, ReportColumn, ReportParameter,
};

pub(in crate::read::reports) static MRR: Report = Report {
    name: "mrr",
    title: "Opening, movements by type and closing MRR of each period and currency.",
    is_public: true,
    sql: include_str!("../../../../sql/reports/mrr.sql"),
    relations: &[Relation::Periods],
    parameters: &[
        ReportParameter::new(
            "interval",
            ParameterKind::Interval,
            "The length of a period: day, week, month, quarter or year.",
        )
        .with_default("month"),
        ReportParameter::new(
            "from",
            ParameterKind::Day,
            "The first day; by default that of the first movement.",
        ),
        ReportParameter::new("to", ParameterKind::Day, "The last day; as_of by default."),
    ],
    columns: &[
        ReportColumn::new("period_start", ColumnKind::Day, ""),
        ReportColumn::new("period_end", ColumnKind::Day, "The last day of the period."),
        ReportColumn::new(
            "partial",
            ColumnKind::Flag,
            "Whether the range or as_of cuts the period.",
        ),
        ReportColumn::new("currency", ColumnKind::Text, ""),
        ReportColumn::new(
            "opening",
            ColumnKind::Money,
            "MRR before the period. Opening plus the movements is closing.",
        ),
        ReportColumn::new("new", ColumnKind::Money, ""),
        ReportColumn::new("expansion", ColumnKind::Money, ""),
        ReportColumn::new("contraction", ColumnKind::Money, ""),
        ReportColumn::new("churn", ColumnKind::Money, ""),
        ReportColumn::new("reactivation", ColumnKind::Money, ""),
        ReportColumn::new("closing", ColumnKind::Money, "MRR at the end of the period."),
        ReportColumn::new(
            "new_customers",
            ColumnKind::Count,
            "Customers with a movement of this type in the period.",
        ),
        ReportColumn::new("expansion_customers", ColumnKind::Count, ""),
        ReportColumn::new("contraction_customers", ColumnKind::Count, ""),
        ReportColumn::new("churn_customers", ColumnKind::Count, ""),
        ReportColumn::new("reactivation_customers", ColumnKind::Count, ""),
        ReportColumn::new(
            "customers",
            ColumnKind::Count,
            "Customers with MRR in the currency at the end of the period.",
        ),
    ],
};
