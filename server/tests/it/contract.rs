//! The contract: what is committed is what is served, and it has all that GrowPanel's clients ask
//! for.

use std::collections::BTreeSet;

use mrrow_server::openapi;
use serde_json::Value;

/// What the SDK demands, as `server/tests/clients/demands.py` reads it from the SDK.
const DEMANDS: &str = include_str!("../clients/demands.json");

fn document() -> Value {
    serde_json::to_value(openapi()).unwrap()
}

/// The methods of a path in the document.
fn operations(path: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let methods = ["get", "post", "put", "patch", "delete"];
    path.as_object().unwrap().iter().filter(move |(key, _)| methods.contains(&key.as_str()))
}

#[test]
fn the_committed_document_is_what_the_code_makes() {
    let committed = include_str!("../../openapi.json");
    let made = openapi().to_pretty_json().unwrap() + "\n";
    assert!(
        committed == made,
        "server/openapi.json is not what the code makes; write it with: mrrow openapi > server/openapi.json"
    );
}

#[test]
fn no_two_operations_have_one_name() {
    let document = document();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations(item) {
            let name = operation["operationId"].as_str().unwrap();
            assert!(
                names.insert(name.to_string()),
                "{method} {path} is called {name} like another one"
            );
        }
    }
}

#[test]
fn every_operation_that_the_sdk_has_for_records_is_served_as_it_reads_it() {
    let document = document();
    let demands: Value = serde_json::from_str(DEMANDS).unwrap();
    let good = |answers: &Value| -> BTreeSet<String> {
        answers
            .as_object()
            .unwrap()
            .keys()
            .filter(|status| status.starts_with('2'))
            .cloned()
            .collect()
    };
    for (name, demand) in demands["records"].as_object().unwrap() {
        let method = demand["method"].as_str().unwrap().to_lowercase();
        let operation = &document["paths"][demand["path"].as_str().unwrap()][method];
        assert_eq!(operation["operationId"], **name);
        assert_eq!(good(&operation["responses"]), good(&demand["answers"]), "{name}");
        let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        for parameter in demand["query"].as_array().unwrap() {
            let wanted = parameter.as_str().unwrap().trim_end_matches('?');
            assert!(
                parameters.iter().any(|known| known["name"] == wanted),
                "{name} takes no {wanted}"
            );
        }
    }
}

#[test]
fn every_schema_that_is_named_is_there() {
    let document = document();
    let text = document.to_string();
    for name in
        text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next())
    {
        assert!(document["components"]["schemas"][name].is_object(), "there is no schema {name}");
    }
}
