//! The company of `sample-data/`: its movements and monthly MRR are those of its README.

use std::path::{Path, PathBuf};

use mrrow_engine::import::{ImportOptions, inputs_of_path};
use mrrow_engine::reports::ReportRequest;

use crate::ledger::{Ledger, mrr_request, rows, texts};

fn sample_data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-data")
}

/// The lines of an expectation in NDJSON as the values of their fields in text.
fn expected_movements(file: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(sample_data().join("expected").join(file)).unwrap();
    let fields = ["date", "data_source", "customer_id", "currency", "type", "amount", "mrr_after"];
    let values = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        fields.iter().map(|field| row[field].as_str().unwrap().to_string()).collect()
    };
    text.lines().map(values).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sample_company_has_the_movements_of_its_readme() {
    let as_of = "2025-07-01".parse().unwrap();
    let ledger = Ledger::open("2026-01-15".parse().unwrap()).await;
    let summary = ledger
        .engine
        .import(inputs_of_path(&sample_data()).unwrap(), &ImportOptions::default())
        .await
        .unwrap();
    assert_eq!(summary.total().rejected, 0, "{:?}", summary.rejections);
    assert!(summary.warnings.is_empty(), "{:?}", summary.warnings);
    let snapshot = ledger.engine.snapshot(Some(as_of)).await.unwrap();

    let request = ReportRequest::new("movements", &[]).unwrap();
    let found = texts(&rows(snapshot.report(&request).await.unwrap()).await);
    let found: Vec<_> = found.into_iter().map(|row| row[..7].to_vec()).collect();
    assert_eq!(found, expected_movements("movements.ndjson"));

    let scheduled = "select date, data_source, customer_id, currency, type, amount, mrr_after
                     from scheduled_movements
                     order by date, data_source, customer_id, currency";
    let found = texts(&rows(snapshot.sql(scheduled).await.unwrap()).await);
    assert_eq!(found, expected_movements("scheduled.ndjson"));

    let found = texts(&rows(snapshot.report(&mrr_request()).await.unwrap()).await);
    let expected = std::fs::read_to_string(sample_data().join("expected/mrr_monthly.csv")).unwrap();
    let expected: Vec<Vec<String>> = expected
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(str::to_string).collect())
        .collect();
    assert_eq!(found, expected);
    ledger.verify().await;
}
