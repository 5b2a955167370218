//! `mrrow import`: inputs, exit codes, summary, rejects.

use std::io::Write;

use crate::run::Place;

const CUSTOMERS: &str = "id,name\nc1,Acme\nc2,Bolt\n";
const PLANS: &str =
    r#"[{"id":"p","name":"Pro","interval":"month","interval_count":1,"currency":"USD"}]"#;
const INVOICES: &str = r#"{"id":"i1","customer_id":"c1","type":"subscription","invoice_date":"2024-01-01","amount":9900,"currency":"USD","plan_id":"p"}
{"id":"i2","customer_id":"c2","type":"subscription","invoice_date":"2024-01-01","amount":4900,"currency":"USD","plan_id":"p"}
"#;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn movements(place: &Place) -> String {
    place.ok(&["movements", "--as-of", "2024-01-15"])
}

const EXPECTED: &str = r#"{"date":"2024-01-01","data_source":"default","customer_id":"c1","currency":"USD","type":"new","amount":"9900.0000","mrr_after":"9900.0000","scheduled":false}
{"date":"2024-01-01","data_source":"default","customer_id":"c2","currency":"USD","type":"new","amount":"4900.0000","mrr_after":"4900.0000","scheduled":false}
"#;

#[test]
fn a_directory_is_read_in_the_order_that_the_types_need() {
    let place = Place::new();
    place.file("plans.json", PLANS);
    place.file("invoices.ndjson.gz", gzip(INVOICES));
    place.file("customers.csv.zst", zstd::encode_all(CUSTOMERS.as_bytes(), 1).unwrap());
    place.file("notes.txt", "not ours");
    let ran = place.run(&["import", "."]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.out, "");
    assert!(
        ran.err.contains(
            "invoices: 2 read, 2 accepted (2 created, 0 updated, 0 unchanged), 0 rejected"
        ),
        "{}",
        ran.err
    );
    assert_eq!(movements(&place), EXPECTED);
    let again = place.run(&["import", "."]);
    assert!(again.err.contains("nothing new"), "{}", again.err);
}

#[test]
fn named_types_and_standard_input_are_read() {
    let place = Place::new();
    let (people, plans) = (place.file("people", CUSTOMERS), place.file("p", PLANS));
    place.ok(&["import", "customers", people.to_str().unwrap(), "plans", plans.to_str().unwrap()]);
    let ran = place.run_with_input(&["import", "invoices", "-"], INVOICES.as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(movements(&place), EXPECTED);
}

#[test]
fn a_document_names_its_types_itself() {
    let place = Place::new();
    let document = format!(r#"{{"plans":{PLANS},"customers":[{{"id":"c1","name":"Acme"}}]}}"#);
    assert_eq!(place.run_with_input(&["import", "-"], document.as_bytes()).code, 0);
    let unnamed = place.run_with_input(&["import", "-"], INVOICES.as_bytes());
    assert_eq!(unnamed.code, 3, "{}", unnamed.err);
}

#[test]
fn other_names_for_fields_are_mapped_and_sources_kept_apart() {
    let place = Place::new();
    let file = place.file("customers.csv", "nr,title\nc1,Acme\n");
    place.ok(&[
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
        place.ok(&["sql", "-c", "select data_source, id, name from customers", "--format", "csv"]),
        "data_source,id,name\nshop,c1,Acme\n"
    );
}

#[test]
fn a_refused_row_stores_nothing_or_only_itself_not() {
    let place = Place::new();
    let rows = "{\"id\":\"a\",\"name\":\"A\"}\n{\"id\":\"b\"}\n";
    let file = place.file("customers.ndjson", rows);
    let path = file.to_str().unwrap();
    let aborted = place.run(&["import", path, "--rejects", "rejects.ndjson"]);
    assert_eq!(aborted.code, 3);
    assert!(aborted.err.contains("customers.ndjson:2 \"b\" /name [required]"), "{}", aborted.err);
    assert!(aborted.err.contains("nothing was stored"), "{}", aborted.err);
    assert_eq!(place.ok(&["sql", "-c", "select count(*) as n from customers"]), "{\"n\":0}\n");
    let rejects = std::fs::read_to_string(place.dir.path().join("rejects.ndjson")).unwrap();
    let reject: serde_json::Value = serde_json::from_str(&rejects).unwrap();
    assert_eq!(
        (&reject["line"], &reject["errors"][0]["code"]),
        (&2.into(), &"required".into()),
        "{rejects}"
    );
    assert_eq!(reject["original"], "{\"id\":\"b\"}");

    let skipped = place.run(&["import", path, "--on-error", "skip"]);
    assert_eq!(skipped.code, 3);
    assert_eq!(place.ok(&["sql", "-c", "select id from customers"]), "{\"id\":\"a\"}\n");
}

#[test]
fn a_dry_run_stores_nothing() {
    let place = Place::new();
    let file = place.file("customers.csv", CUSTOMERS);
    let ran = place.run(&["import", file.to_str().unwrap(), "--dry-run"]);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("2 created") && ran.err.contains("dry run"), "{}", ran.err);
    assert_eq!(place.ok(&["sql", "-c", "select count(*) as n from customers"]), "{\"n\":0}\n");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let place = Place::new();
    place.file("stuff.csv", CUSTOMERS);
    std::fs::create_dir(place.dir.path().join("empty")).unwrap();
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
        let ran = place.run(&args);
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.err);
        assert_eq!(ran.out, "", "{args:?}");
    }
}

#[test]
fn the_rejects_file_never_takes_the_place_of_an_input() {
    let place = Place::new();
    let file = place.file("customers.csv", CUSTOMERS);
    let path = file.to_str().unwrap();
    assert_eq!(place.run(&["import", path, "--rejects", path]).code, 2);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), CUSTOMERS);
}

#[test]
fn a_named_entry_that_cannot_be_read_is_not_passed_over() {
    let place = Place::new();
    place.file("customers.csv", CUSTOMERS);
    std::fs::create_dir(place.dir.path().join("invoices.csv")).unwrap();
    let ran = place.run(&["import", "."]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("invoices.csv"), "{}", ran.err);
}

#[test]
fn a_name_is_mapped_once() {
    let place = Place::new();
    place.file("customers.csv", "a,b\n1,2\n");
    for pair in [["a=id", "a=name"], ["a=id", "b=id"], ["a=identity", "b=name"]] {
        let ran = place.run(&["import", "customers.csv", "--map", pair[0], "--map", pair[1]]);
        assert_eq!(ran.code, 2, "{pair:?}: {}", ran.err);
    }
}
