//! Checks after every crash, and after the next write.

use serde_json::Value;

use crate::test_dir::TestDir;

/// The store opens, and its movements are those of its records.
pub(super) fn verify(dir: &TestDir) {
    dir.ok(&["verify"]);
}

/// The next write removes the leftovers of the killed one: the catalog names every file on disk,
/// and staging is empty.
pub(super) fn assert_no_leftovers(dir: &TestDir) {
    let status: Value = serde_json::from_str(&dir.ok(&["status", "--json"])).unwrap();
    let data = dir.path().join("mrrow-data");
    let count = |dir: &std::path::Path| dir.read_dir().unwrap().count();
    let tables = data.join("data").read_dir().unwrap();
    let files: usize = tables.map(|table| count(&table.unwrap().path())).sum();
    assert_eq!(status["files"], files, "orphaned or missing files");
    assert_eq!(count(&data.join("staging")), 0, "staging");
    assert_eq!(status["waiting_rows"], 0, "{status}");
    assert_eq!(status["warnings"].as_array().unwrap().len(), 0, "{status}");
}

/// The rows of a query, as CSV with its header.
pub(super) fn rows(dir: &TestDir, query: &str) -> String {
    dir.ok(&["sql", "--format", "csv", "-c", query])
}
