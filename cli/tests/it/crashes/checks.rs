//! What holds after every crash, and once something was written again.

use serde_json::Value;

use crate::run::Place;

/// The store opens without repair, and its movements are what its records say.
pub(super) fn holds(place: &Place) {
    place.ok(&["verify"]);
}

/// After the next write nothing is left of the killed one: every file on disk is known, and staging
/// is empty.
pub(super) fn is_tidy(place: &Place) {
    let status: Value = serde_json::from_str(&place.ok(&["status", "--json"])).unwrap();
    let data = place.dir.path().join("mrrow-data");
    let count = |dir: &std::path::Path| dir.read_dir().unwrap().count();
    let tables = data.join("data").read_dir().unwrap();
    let files: usize = tables.map(|table| count(&table.unwrap().path())).sum();
    assert_eq!(status["files"], files, "orphans, or files that are missing");
    assert_eq!(count(&data.join("staging")), 0, "staging");
    assert_eq!(status["waiting_rows"], 0, "{status}");
    assert_eq!(status["warnings"].as_array().unwrap().len(), 0, "{status}");
}

/// The rows of a query, as CSV with its header.
pub(super) fn rows(place: &Place, query: &str) -> String {
    place.ok(&["sql", "--format", "csv", "-c", query])
}
