//! `mrrow settings` and `mrrow verify`.

use crate::test_dir::TestDir;

#[test]
fn settings_work_on_an_empty_directory_and_are_durable() {
    let dir = TestDir::new();
    assert_eq!(dir.ok(&["settings", "get", "grace_days"]), "14\n");
    dir.ok(&["settings", "set", "grace_days", "never"]);
    assert_eq!(dir.ok(&["settings", "get", "grace_days"]), "never\n");
    assert_eq!(dir.ok(&["settings", "list", "--format", "csv"]).lines().count(), 8);
}

#[test]
fn changed_setting_changes_the_movements() {
    let dir = TestDir::new();
    dir.import_sample();
    let before = dir.ok(&["movements", "--as-of", "2025-07-01"]);
    dir.ok(&["settings", "set", "refunds", "ignore"]);
    assert_ne!(dir.ok(&["movements", "--as-of", "2025-07-01"]), before);
    dir.ok(&["settings", "set", "refunds", "reduce"]);
    assert_eq!(dir.ok(&["movements", "--as-of", "2025-07-01"]), before);
}

/// A store with one customer and one invoice of this amount, and the path of its movements file.
fn store_of(amount: u32) -> (TestDir, std::path::PathBuf) {
    let dir = TestDir::new();
    let customers = r#"[{"id":"x","name":"X"}]"#;
    let plans = r#"[{"id":"p","name":"P","interval":"month","interval_count":1,"currency":"USD"}]"#;
    let invoice = format!(
        "{{\"id\":\"i\",\"customer_id\":\"x\",\"type\":\"subscription\",\
         \"invoice_date\":\"2024-01-01\",\"amount\":{amount},\"currency\":\"USD\",\
         \"plan_id\":\"p\"}}"
    );
    let book = format!(r#"{{"customers":{customers},"plans":{plans},"invoices":[{invoice}]}}"#);
    assert_eq!(dir.run_with_input(&["import", "-"], book.as_bytes()).code, 0);
    let mut files = dir.path().join("mrrow-data/data/movements").read_dir().unwrap();
    let file = files.next().unwrap().unwrap().path();
    (dir, file)
}

#[test]
fn verification_finds_movements_that_differ_from_the_records() {
    let (dir, stored) = store_of(1111);
    dir.ok(&["verify"]);
    // Replace the file by the movements of another amount, in a file of equal length.
    let length = |path: &std::path::Path| path.metadata().unwrap().len();
    let mut others = (1112..1200).map(store_of);
    let (_other, forged) = others.find(|(_, forged)| length(forged) == length(&stored)).unwrap();
    std::fs::copy(forged, stored).unwrap();
    let output = dir.run(&["verify"]);
    assert_eq!(output.code, 7, "{}", output.err);
    assert!(output.err.contains("rebuilt_movements"), "{}", output.err);
    assert!(
        output.out.contains("\"only_in\":\"rebuilt\"") && output.out.contains("1111.0000"),
        "{}",
        output.out
    );
}
