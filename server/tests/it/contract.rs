//! The contract that is committed is the one that is served.

use mrrow_server::openapi;

#[test]
fn the_committed_document_is_what_the_code_makes() {
    let committed = include_str!("../../openapi.json");
    let made = openapi().to_pretty_json().unwrap() + "\n";
    assert!(
        committed == made,
        "server/openapi.json is not what the code makes; write it with: mrrow openapi > server/openapi.json"
    );
}
