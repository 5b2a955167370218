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

/// A store with one customer and one invoice of this amount, and its file of movements.
fn store_of(amount: u32) -> (Place, std::path::PathBuf) {
    let place = Place::new();
    let customers = r#"[{"id":"x","name":"X"}]"#;
    let plans = r#"[{"id":"p","name":"P","interval":"month","interval_count":1,"currency":"USD"}]"#;
    let invoice = format!(
        r#"{{"id":"i","customer_id":"x","type":"subscription","invoice_date":"2024-01-01","amount":{amount},"currency":"USD","plan_id":"p"}}"#
    );
    let book = format!(r#"{{"customers":{customers},"plans":{plans},"invoices":[{invoice}]}}"#);
    assert_eq!(place.run_with_input(&["import", "-"], book.as_bytes()).code, 0);
    let mut files = place.dir.path().join("mrrow-data/data/movements").read_dir().unwrap();
    let file = files.next().unwrap().unwrap().path();
    (place, file)
}

#[test]
fn verification_finds_movements_that_are_not_what_the_records_say() {
    let (place, stored) = store_of(1111);
    place.ok(&["verify"]);
    // The movements of another amount, in a file as long.
    let length = |path: &std::path::Path| path.metadata().unwrap().len();
    let mut others = (1112..1200).map(store_of);
    let (_other, forged) = others.find(|(_, forged)| length(forged) == length(&stored)).unwrap();
    std::fs::copy(forged, stored).unwrap();
    let ran = place.run(&["verify"]);
    assert_eq!(ran.code, 7, "{}", ran.err);
    assert!(ran.err.contains("rebuilt_movements"), "{}", ran.err);
    assert!(
        ran.out.contains("\"only_in\":\"rebuilt\"") && ran.out.contains("1111.0000"),
        "{}",
        ran.out
    );
}
