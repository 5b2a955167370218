//! `mrrow settings` and `mrrow verify`.

use crate::run::Place;

#[test]
fn settings_work_on_an_empty_directory_and_last() {
    let place = Place::new();
    assert_eq!(place.ok(&["settings", "get", "grace_days"]), "14\n");
    place.ok(&["settings", "set", "grace_days", "never"]);
    assert_eq!(place.ok(&["settings", "get", "grace_days"]), "never\n");
    assert_eq!(place.ok(&["settings", "list", "--format", "csv"]).lines().count(), 8);
}

#[test]
fn a_changed_setting_changes_the_movements() {
    let place = Place::new();
    place.import_sample();
    let before = place.ok(&["movements", "--as-of", "2025-07-01"]);
    place.ok(&["settings", "set", "refunds", "ignore"]);
    assert_ne!(place.ok(&["movements", "--as-of", "2025-07-01"]), before);
    place.ok(&["settings", "set", "refunds", "reduce"]);
    assert_eq!(place.ok(&["movements", "--as-of", "2025-07-01"]), before);
}

#[test]
fn verification_finds_a_row_that_was_tampered_with() {
    let place = Place::new();
    place.import_sample();
    assert_eq!(place.run(&["verify"]).code, 0);
    let movements = place.dir.path().join("mrrow-data/data/movements");
    let files: Vec<_> = movements.read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    // Another store's movements in the place of these.
    let other = Place::new();
    let customers = "[{\"id\":\"x\",\"name\":\"X\"}]";
    let plans = r#"[{"id":"p","name":"P","interval":"month","interval_count":1,"currency":"USD"}]"#;
    let invoice = r#"{"id":"i","customer_id":"x","type":"subscription","invoice_date":"2024-01-01","amount":1,"currency":"USD","plan_id":"p"}"#;
    let book = format!(r#"{{"customers":{customers},"plans":{plans},"invoices":[{invoice}]}}"#);
    assert_eq!(other.run_with_input(&["import", "-"], book.as_bytes()).code, 0);
    let forged = other.dir.path().join("mrrow-data/data/movements").read_dir().unwrap().next().unwrap().unwrap().path();
    std::fs::copy(forged, &files[0]).unwrap();
    let ran = place.run(&["verify"]);
    assert_eq!(ran.code, 7, "{}", ran.err);
    assert!(
        ran.err.contains("rebuilt_movements") && ran.out.contains("\"only_in\":\"rebuilt\""),
        "{}{}",
        ran.err,
        ran.out
    );
}
