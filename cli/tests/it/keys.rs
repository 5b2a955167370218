//! `mrrow keys`.

use serde_json::Value;

use crate::test_dir::TestDir;

fn listed(dir: &TestDir) -> Vec<Value> {
    dir.ok(&["keys", "list"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn key_is_printed_alone_and_only_once() {
    let dir = TestDir::new();
    let output = dir.run(&["keys", "create", "--name", "ops", "--role", "admin"]);
    let key = output.out.strip_suffix('\n').unwrap();
    assert!(
        output.code == 0 && key.starts_with("mrrow_") && key.len() == 49 && !key.contains('\n'),
        "{output:?}"
    );
    assert!(output.err.contains("shown only once") && !output.err.contains(key), "{}", output.err);
    let keys = listed(&dir);
    assert_eq!(keys.len(), 1);
    for (field, value) in [("name", "ops"), ("role", "admin"), ("state", "valid")] {
        assert_eq!(keys[0][field], value);
    }
    assert!(keys[0]["data_sources"].is_null() && keys[0]["expires_at"].is_null());
    let table = dir.ok(&["keys", "list", "--format", "table"]);
    assert!(table.contains("ops") && !table.contains(&key[6..]), "{table}");
    assert_ne!(dir.ok(&["keys", "create", "--name", "ops", "--role", "admin"]).trim(), key);
}

#[test]
fn key_is_restricted_expires_and_is_revoked() {
    let dir = TestDir::new();
    dir.ok(&["sources", "create", "Shop", "--id", "shop"]);
    dir.ok(&["sources", "create", "App", "--id", "app"]);
    let create = ["keys", "create", "--name", "sender", "--role", "viewer"];
    let with = |more: &[&str]| dir.run(&[&create[..], more].concat());
    assert_eq!(with(&["--source", "shop", "--source", "App", "--expires-in", "90d"]).code, 0);
    assert_eq!(with(&["--expires", "2999-01-01T00:00:00+01:00"]).code, 0);
    let keys = listed(&dir);
    assert_eq!(
        (&keys[0]["data_sources"], &keys[0]["state"]),
        (&"shop, app".into(), &"valid".into())
    );
    assert!(keys[0]["expires_at"].is_string());
    assert_eq!(keys[1]["expires_at"], "2998-12-31T23:00:00.000000Z");

    let ambiguous = dir.run(&["keys", "revoke", "sender"]);
    assert_eq!(ambiguous.code, 2);
    assert!(ambiguous.err.contains(keys[0]["id"].as_str().unwrap()), "{}", ambiguous.err);
    dir.ok(&["keys", "revoke", keys[0]["id"].as_str().unwrap()]);
    dir.ok(&["keys", "revoke", "sender"]);
    assert!(listed(&dir).iter().all(|key| key["state"] == "revoked"));
    let missing = dir.run(&["keys", "revoke", "nobody"]);
    assert_eq!((missing.code, missing.out.as_str()), (1, ""));
    assert!(missing.err.contains("there is no key \"nobody\""), "{}", missing.err);
}

#[test]
fn invalid_keys_are_refused() {
    let dir = TestDir::new();
    let with = |more: &[&str]| dir.run(&[&["keys", "create"], more].concat());
    for (more, expected) in [
        (vec!["--name", "x", "--role", "owner"], "\"owner\" is not a role; use admin or viewer"),
        (vec!["--name", "", "--role", "admin"], "the name of the key is empty"),
        (vec!["--role", "admin"], "--name"),
        (
            vec!["--name", "x", "--role", "admin", "--source", "nowhere"],
            "there is no data source \"nowhere\"",
        ),
        (
            vec!["--name", "x", "--role", "admin", "--expires", "2020-01-01T00:00:00Z"],
            "would have expired already",
        ),
        (vec!["--name", "x", "--role", "admin", "--expires", "tomorrow"], "is not an instant"),
        (vec!["--name", "x", "--role", "admin", "--expires-in", "0d"], "such as 12h, 90d or 8w"),
    ] {
        let output = with(&more);
        assert_eq!((output.code, output.out.as_str()), (2, ""), "{more:?}: {}", output.err);
        assert!(output.err.contains(expected), "{more:?}: {}", output.err);
    }
    assert!(listed(&dir).is_empty());
}
