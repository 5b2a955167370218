//! Output formats, and the end of output.

use std::io::Read;
use std::process::Stdio;

use crate::server_process::ServerProcess;
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
fn report_command_prints_the_rows_of_its_own_commands() {
    let dir = TestDir::new();
    dir.import_sample();
    let same = |report: &[&str], command: &[&str]| {
        let rest = ["--as-of", "2025-07-01", "--format", "csv"];
        let report = dir.ok(&[&["report"], report, &rest].concat());
        assert!(report.lines().count() > 1, "{report}");
        assert_eq!(report, dir.ok(&[command, &rest].concat()));
    };
    same(&["movements"], &["movements"]);
    same(
        &["movements", "-p", "causes=true", "-p", "customer=northcove", "-p", "scheduled=1"],
        &["movements", "--causes", "--customer", "northcove", "--scheduled"],
    );
    same(&["mrr"], &["mrr"]);
    same(
        &["mrr", "-p", "interval=quarter", "-p", "from=2024-01-01", "-p", "data_source=default"],
        &["mrr", "--interval", "quarter", "--from", "2024-01-01"],
    );
    for (args, message) in [
        (["report", "mrr", "-p", "colour=red"], "has no parameter \"colour\""),
        (["report", "mrr", "-p", "interval=hour"], "is not an interval"),
        (["report", "mrr", "-p", "data_source=nobody"], "there is no data source \"nobody\""),
        (["report", "churned", "-p", "to=2024-01-01"], "possible values: movements, mrr"),
    ] {
        let output = dir.run(&args);
        assert_eq!(output.code, 2, "{args:?}: {}", output.err);
        assert!(output.err.contains(message), "{}", output.err);
    }
    assert!(dir.ok(&["report", "--help"]).contains("interval=INTERVAL"));
}

#[test]
fn report_command_prints_the_rows_of_http() {
    let dir = TestDir::new();
    dir.import_sample();
    let server = ServerProcess::start(&dir, &[]);
    for (report, parameters) in [
        ("movements", &["from=2024-06-01", "causes=1"][..]),
        ("mrr", &["interval=week", "to=2025-03-05"][..]),
    ] {
        let query = parameters.join("&");
        let path = format!("/v1/reports/{report}?{query}&as_of=2025-07-01&format=ndjson");
        let response = server.request(200, "GET", &path, "");
        let options = parameters.iter().flat_map(|parameter| ["-p", parameter]);
        let rest = ["--as-of", "2025-07-01", "--format", "ndjson"];
        let args: Vec<&str> = ["report", report].into_iter().chain(options).chain(rest).collect();
        let printed = dir.ok(&args);
        assert!(printed.lines().count() > 1, "{printed}");
        for line in printed.lines() {
            assert!(response.contains(line), "{line}: {response}");
        }
        let rows = response.lines().filter(|line| line.starts_with('{')).count();
        assert_eq!(rows, printed.lines().count());
    }
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
