//! The registry of reports: each entry states the columns that its SQL answers.

use arrow::datatypes::{DataType, Field};
use mrrow_engine::reports::{ColumnKind, ParameterKind, REPORTS, Report};

use crate::books::random_book;
use crate::ledger::{Ledger, rows, texts};

fn is_of_kind(kind: ColumnKind, field: &Field) -> bool {
    match (kind, field.data_type()) {
        (ColumnKind::Day, DataType::Date32)
        | (ColumnKind::Text, DataType::Utf8)
        | (ColumnKind::Money, DataType::Decimal128(_, 4))
        | (ColumnKind::Count, DataType::Int64)
        | (ColumnKind::Flag, DataType::Boolean) => true,
        (ColumnKind::TextList, DataType::List(item)) => item.data_type() == &DataType::Utf8,
        _ => false,
    }
}

/// Every flag, so that every column is included.
fn flags(report: &Report) -> Vec<(&'static str, &'static str)> {
    let flags = report.parameters.iter().filter(|parameter| parameter.kind == ParameterKind::Flag);
    flags.map(|flag| (flag.name, "true")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_state_the_columns_of_their_sql() {
    let book = random_book(700_001);
    let ledger = Ledger::for_book(&book).await;
    ledger.import(&book).await;
    let snapshot = ledger.engine.snapshot(None).await.unwrap();
    for report in REPORTS {
        let request = report.request(&flags(report)).unwrap();
        let answer = snapshot.report(&request).await.unwrap();
        let schema = answer.schema();
        let found: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let stated: Vec<&str> = report.columns.iter().map(|column| column.name).collect();
        assert_eq!(found, stated, "{}", report.name);
        for (field, column) in schema.fields().iter().zip(report.columns) {
            assert!(is_of_kind(column.kind, field), "{}: {field:?}", report.name);
        }
        let rows = rows(answer).await;
        assert!(!texts(&rows).is_empty(), "{}", report.name);
        for (at, column) in report.columns.iter().enumerate().filter(|(_, it)| !it.is_nullable) {
            let nulls: usize = rows.iter().map(|batch| batch.column(at).null_count()).sum();
            assert_eq!(nulls, 0, "{}: {}", report.name, column.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_a_flag_are_left_out_without_it() {
    let ledger = Ledger::for_book(&random_book(700_002)).await;
    let snapshot = ledger.engine.snapshot(None).await.unwrap();
    for report in REPORTS {
        let answer = snapshot.report(&report.request(&[]).unwrap()).await.unwrap();
        let stated = report.columns.iter().filter(|column| column.included_by.is_none()).count();
        assert_eq!(answer.schema().fields().len(), stated, "{}", report.name);
    }
}
