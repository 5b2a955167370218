//! `mrrow import`: inputs, exit codes, summary, rejects.

use std::io::Write;

use crate::test_dir::TestDir;

const CUSTOMERS: &str = "id,name\nc1,Acme\nc2,Bolt\n";
const PLANS: &str =
    r#"[{"id":"p","name":"Pro","interval":"month","interval_count":1,"currency":"USD"}]"#;
const INVOICES: &str = "{\"id\":\"i1\",\"customer_id\":\"c1\",\"type\":\"subscription\",\
     \"invoice_date\":\"2024-01-01\",\"amount\":9900,\"currency\":\"USD\",\"plan_id\":\"p\"}\n\
     {\"id\":\"i2\",\"customer_id\":\"c2\",\"type\":\"subscription\",\
     \"invoice_date\":\"2024-01-01\",\"amount\":4900,\"currency\":\"USD\",\"plan_id\":\"p\"}\n";

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn movements(dir: &TestDir) -> String {
    dir.ok(&["movements", "--as-of", "2024-01-15"])
}

const EXPECTED: &str = "{\"date\":\"2024-01-01\",\"data_source\":\"default\",\
     \"customer_id\":\"c1\",\"currency\":\"USD\",\"type\":\"new\",\"amount\":\"9900.0000\",\
     \"mrr_after\":\"9900.0000\",\"scheduled\":false}\n{\"date\":\"2024-01-01\",\
     \"data_source\":\"default\",\"customer_id\":\"c2\",\"currency\":\"USD\",\"type\":\"new\",\
     \"amount\":\"4900.0000\",\"mrr_after\":\"4900.0000\",\"scheduled\":false}\n";

#[test]
fn directory_is_read_in_the_order_of_references() {
    let dir = TestDir::new();
    dir.file("plans.json", PLANS);
    dir.file("invoices.ndjson.gz", gzip(INVOICES));
    dir.file("customers.csv.zst", zstd::encode_all(CUSTOMERS.as_bytes(), 1).unwrap());
    dir.file("notes.txt", "no records");
    let output = dir.run(&["import", "."]);
    assert_eq!(output.code, 0, "{}", output.err);
    assert_eq!(output.out, "");
    assert!(
        output.err.contains(
            "invoices: 2 read, 2 accepted (2 created, 0 updated, 0 unchanged), 0 rejected"
        ),
        "{}",
        output.err
    );
    assert_eq!(movements(&dir), EXPECTED);
    let again = dir.run(&["import", "."]);
    assert!(again.err.contains("nothing new"), "{}", again.err);
}

#[test]
fn types_in_arguments_and_standard_input_are_read() {
    let dir = TestDir::new();
    let (people, plans) = (dir.file("people", CUSTOMERS), dir.file("p", PLANS));
    dir.ok(&["import", "customers", people.to_str().unwrap(), "plans", plans.to_str().unwrap()]);
    let output = dir.run_with_input(&["import", "invoices", "-"], INVOICES.as_bytes());
    assert_eq!(output.code, 0, "{}", output.err);
    assert_eq!(movements(&dir), EXPECTED);
}

#[test]
fn document_contains_its_types() {
    let dir = TestDir::new();
    let document = format!(r#"{{"plans":{PLANS},"customers":[{{"id":"c1","name":"Acme"}}]}}"#);
    assert_eq!(dir.run_with_input(&["import", "-"], document.as_bytes()).code, 0);
    let unnamed = dir.run_with_input(&["import", "-"], INVOICES.as_bytes());
    assert_eq!(unnamed.code, 3, "{}", unnamed.err);
}

#[test]
fn field_names_are_mapped_and_data_sources_are_separate() {
    let dir = TestDir::new();
    let file = dir.file("customers.csv", "nr,title\nc1,Acme\n");
    dir.ok(&[
        "import",
        file.to_str().unwrap(),
        "--map",
        "nr=id",
        "--map",
        "title=name",
        "--source",
        "shop",
    ]);
    assert_eq!(
        dir.ok(&["sql", "-c", "select data_source, id, name from customers", "--format", "csv"]),
        "data_source,id,name\nshop,c1,Acme\n"
    );
}

#[test]
fn rejected_row_aborts_the_import_or_is_skipped() {
    let dir = TestDir::new();
    let rows = "{\"id\":\"a\",\"name\":\"A\"}\n{\"id\":\"b\"}\n";
    let file = dir.file("customers.ndjson", rows);
    let path = file.to_str().unwrap();
    let aborted = dir.run(&["import", path, "--rejects", "rejects.ndjson"]);
    assert_eq!(aborted.code, 3);
    assert!(aborted.err.contains("customers.ndjson:2 \"b\" /name [required]"), "{}", aborted.err);
    assert!(aborted.err.contains("nothing was stored"), "{}", aborted.err);
    assert_eq!(dir.ok(&["sql", "-c", "select count(*) as n from customers"]), "{\"n\":0}\n");
    let rejects = std::fs::read_to_string(dir.path().join("rejects.ndjson")).unwrap();
    let reject: serde_json::Value = serde_json::from_str(&rejects).unwrap();
    assert_eq!(
        (&reject["line"], &reject["errors"][0]["code"]),
        (&2.into(), &"required".into()),
        "{rejects}"
    );
    assert_eq!(reject["original"], "{\"id\":\"b\"}");

    let skipped = dir.run(&["import", path, "--on-error", "skip"]);
    assert_eq!(skipped.code, 3);
    assert_eq!(dir.ok(&["sql", "-c", "select id from customers"]), "{\"id\":\"a\"}\n");
}

#[test]
fn dry_run_stores_nothing() {
    let dir = TestDir::new();
    let file = dir.file("customers.csv", CUSTOMERS);
    let output = dir.run(&["import", file.to_str().unwrap(), "--dry-run"]);
    assert_eq!(output.code, 0);
    assert!(output.err.contains("2 created") && output.err.contains("dry run"), "{}", output.err);
    assert_eq!(dir.ok(&["sql", "-c", "select count(*) as n from customers"]), "{\"n\":0}\n");
}

#[test]
fn wrong_usage_has_exit_code_2() {
    let dir = TestDir::new();
    dir.file("stuff.csv", CUSTOMERS);
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    for args in [
        vec!["import"],
        vec!["import", "missing.csv"],
        vec!["import", "invoices"],
        vec!["import", "empty"],
        vec!["import", "stuff.csv", "--map", "x"],
        vec!["import", "stuff.csv", "--on-error", "maybe"],
        vec!["movements", "--as-of", "soon"],
        vec!["mrr", "--interval", "fortnight"],
        vec!["mrr", "--interval", "day", "--from", "1000-01-01"],
        vec!["settings", "get", "nothing"],
        vec!["settings", "set", "grace_days", "91"],
        vec!["sql"],
        vec!["no-such-command"],
    ] {
        let output = dir.run(&args);
        assert_eq!(output.code, 2, "{args:?}: {}", output.err);
        assert_eq!(output.out, "", "{args:?}");
    }
}

#[test]
fn rejects_file_never_replaces_an_input() {
    let dir = TestDir::new();
    let file = dir.file("customers.csv", CUSTOMERS);
    let path = file.to_str().unwrap();
    assert_eq!(dir.run(&["import", path, "--rejects", path]).code, 2);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), CUSTOMERS);
}

#[test]
fn unreadable_file_of_a_known_name_is_an_error() {
    let dir = TestDir::new();
    dir.file("customers.csv", CUSTOMERS);
    std::fs::create_dir(dir.path().join("invoices.csv")).unwrap();
    let output = dir.run(&["import", "."]);
    assert_eq!(output.code, 2);
    assert!(output.err.contains("invoices.csv"), "{}", output.err);
}

#[test]
fn field_is_mapped_once() {
    let dir = TestDir::new();
    dir.file("customers.csv", "a,b\n1,2\n");
    for pair in [["a=id", "a=name"], ["a=id", "b=id"], ["a=identity", "b=name"]] {
        let output = dir.run(&["import", "customers.csv", "--map", pair[0], "--map", pair[1]]);
        assert_eq!(output.code, 2, "{pair:?}: {}", output.err);
    }
}
