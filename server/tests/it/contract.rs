//! The OpenAPI document: the committed one is current, and has every operation of GrowPanel's SDK.

use std::collections::BTreeSet;

use mrrow_server::openapi;
use serde_json::Value;

/// The SDK's operations, extracted by `server/tests/clients/demands.py`.
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
fn committed_document_is_current() {
    let committed = include_str!("../../openapi.json");
    let generated = openapi().to_pretty_json().unwrap() + "\n";
    assert!(
        committed == generated,
        "server/openapi.json is not current; write it with: mrrow openapi > server/openapi.json"
    );
}

#[test]
fn operation_ids_are_unique() {
    let document = document();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations(item) {
            let name = operation["operationId"].as_str().unwrap();
            assert!(
                names.insert(name.to_string()),
                "{method} {path} has the operation id {name} of another operation"
            );
        }
    }
}

#[test]
fn sdk_operations_on_records_are_served() {
    let document = document();
    let demands: Value = serde_json::from_str(DEMANDS).unwrap();
    let success_statuses = |answers: &Value| -> BTreeSet<String> {
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
        assert_eq!(
            success_statuses(&operation["responses"]),
            success_statuses(&demand["answers"]),
            "{name}"
        );
        let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        for parameter in demand["query"].as_array().unwrap() {
            let wanted = parameter.as_str().unwrap().trim_end_matches('?');
            assert!(
                parameters.iter().any(|known| known["name"] == wanted),
                "{name} has no parameter {wanted}"
            );
        }
    }
}

#[test]
fn every_referenced_schema_exists() {
    let document = document();
    let text = document.to_string();
    for name in
        text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next())
    {
        assert!(
            document["components"]["schemas"][name].is_object(),
            "the schema {name} is missing"
        );
    }
}
