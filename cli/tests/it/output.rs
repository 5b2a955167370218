//! Output formats, and the end of output.

use std::io::Read;
use std::process::Stdio;

use crate::test_dir::TestDir;

#[test]
fn every_format_has_the_same_rows() {
    let dir = TestDir::new();
    dir.import_sample();
    let query =
        "select id, amount, amount * 0.5 as half, plan_id from invoices order by id limit 2";
    let format = |format: &str| dir.ok(&["sql", "-c", query, "--format", format]);
    let ndjson = format("ndjson");
    let first: serde_json::Value = serde_json::from_str(ndjson.lines().next().unwrap()).unwrap();
    assert!(first["half"].is_string() && first["amount"].is_i64(), "{ndjson}");
    let json: Vec<serde_json::Value> = serde_json::from_str(&format("json")).unwrap();
    assert_eq!(json[0], first);
    assert_eq!(format("csv").lines().next().unwrap(), "id,amount,half,plan_id");
    assert_eq!(format("tsv"), format("csv").replace(',', "\t"));
    assert!(format("markdown").starts_with("| id "), "{}", format("markdown"));
    assert_eq!(format("table").lines().count(), 4, "{}", format("table"));
}

#[test]
fn binary_formats_can_be_read_back() {
    let dir = TestDir::new();
    dir.import_sample();
    let output = dir
        .command(&["sql", "-c", "select * from customers", "--format", "parquet"])
        .output()
        .unwrap();
    dir.file("customers.parquet", output.stdout);
    let again = dir.run(&["import", "customers.parquet", "--source", "again"]);
    assert_eq!(again.code, 0, "{}", again.err);
    let arrow = dir.command(&["movements", "--format", "arrow"]).output().unwrap();
    assert!(arrow.status.success() && !arrow.stdout.is_empty());
}

#[test]
fn empty_result_has_the_shape_of_its_format() {
    let dir = TestDir::new();
    assert_eq!(dir.ok(&["movements"]), "");
    assert_eq!(dir.ok(&["movements", "--format", "json"]), "[]\n");
    let header = "date,data_source,customer_id,currency,type,amount,mrr_after,scheduled\n";
    assert_eq!(dir.ok(&["movements", "--format", "csv"]), header);
}

#[test]
fn closed_standard_output_is_no_failure() {
    let dir = TestDir::new();
    let mut command = dir.command(&["sql", "-c", "select value from generate_series(1, 3000000)"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut some = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stderr, b"");
}

#[test]
fn statements_other_than_queries_are_refused() {
    let dir = TestDir::new();
    for sql in [
        "create table t as select 1",
        "set x = 1",
        "copy (select 1) to 'x.csv'",
        "select * from 'x.csv'",
    ] {
        let output = dir.run(&["sql", "-c", sql]);
        assert_eq!((output.code, output.out.as_str()), (1, ""), "{sql}");
        assert!(output.err.starts_with("mrrow: "), "{}", output.err);
    }
    assert!(!dir.path().join("x.csv").exists());
}

#[test]
fn movements_are_filtered_by_day_and_customer() {
    let dir = TestDir::new();
    dir.import_sample();
    let lines = |args: &[&str]| {
        let all = ["movements", "--as-of", "2025-07-01"];
        dir.ok(&[&all, args].concat()).lines().count()
    };
    assert_eq!(lines(&[]), 35);
    assert_eq!(lines(&["--scheduled"]), 37);
    assert!(lines(&["--from", "2024-06-01", "--to", "2024-06-30"]) < 35);
    let one = lines(&["--customer", "northcove"]);
    assert!(one > 0 && one == lines(&["--customer", "default/northcove"]));
    assert_eq!(lines(&["--customer", "other/northcove"]), 0);
}

#[test]
fn deep_statement_does_not_crash() {
    let dir = TestDir::new();
    for sql in [
        format!("select 1 where {}", vec!["1=1"; 1_500].join(" and ")),
        format!("select {}1{}", "(".repeat(20_000), ")".repeat(20_000)),
        format!("select {}", "1".repeat(70_000)),
    ] {
        let output = dir.run_with_input(&["sql", "-"], sql.as_bytes());
        assert!(
            output.code == 0 || output.code == 1,
            "{} for {}: {}",
            output.code,
            &sql[..40],
            output.err
        );
    }
}
