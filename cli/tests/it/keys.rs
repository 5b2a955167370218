//! `mrrow keys`.

use serde_json::Value;

use crate::run::Place;

fn listed(place: &Place) -> Vec<Value> {
    place.ok(&["keys", "list"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_key_is_printed_alone_and_once() {
    let place = Place::new();
    let ran = place.run(&["keys", "create", "--name", "ops", "--role", "admin"]);
    let key = ran.out.strip_suffix('\n').unwrap();
    assert!(
        ran.code == 0 && key.starts_with("mrrow_") && key.len() == 49 && !key.contains('\n'),
        "{ran:?}"
    );
    assert!(ran.err.contains("shown this once") && !ran.err.contains(key), "{}", ran.err);
    let keys = listed(&place);
    assert_eq!(keys.len(), 1);
    for (field, value) in [("name", "ops"), ("role", "admin"), ("state", "valid")] {
        assert_eq!(keys[0][field], value);
    }
    assert!(keys[0]["data_sources"].is_null() && keys[0]["expires_at"].is_null());
    let table = place.ok(&["keys", "list", "--format", "table"]);
    assert!(table.contains("ops") && !table.contains(&key[6..]), "{table}");
    assert_ne!(place.ok(&["keys", "create", "--name", "ops", "--role", "admin"]).trim(), key);
}

#[test]
fn a_key_is_restricted_ends_and_is_revoked() {
    let place = Place::new();
    place.ok(&["sources", "create", "Shop", "--id", "shop"]);
    place.ok(&["sources", "create", "App", "--id", "app"]);
    let create = ["keys", "create", "--name", "sender", "--role", "viewer"];
    let with = |more: &[&str]| place.run(&[&create[..], more].concat());
    assert_eq!(with(&["--source", "shop", "--source", "App", "--expires-in", "90d"]).code, 0);
    assert_eq!(with(&["--expires", "2999-01-01T00:00:00+01:00"]).code, 0);
    let keys = listed(&place);
    assert_eq!(
        (&keys[0]["data_sources"], &keys[0]["state"]),
        (&"shop, app".into(), &"valid".into())
    );
    assert!(keys[0]["expires_at"].is_string());
    assert_eq!(keys[1]["expires_at"], "2998-12-31T23:00:00.000000Z");

    let ambiguous = place.run(&["keys", "revoke", "sender"]);
    assert_eq!(ambiguous.code, 2);
    assert!(ambiguous.err.contains(keys[0]["id"].as_str().unwrap()), "{}", ambiguous.err);
    place.ok(&["keys", "revoke", keys[0]["id"].as_str().unwrap()]);
    place.ok(&["keys", "revoke", "sender"]);
    assert!(listed(&place).iter().all(|key| key["state"] == "revoked"));
    let missing = place.run(&["keys", "revoke", "nobody"]);
    assert_eq!((missing.code, missing.out.as_str()), (1, ""));
    assert!(missing.err.contains("there is no key \"nobody\""), "{}", missing.err);
}

#[test]
fn a_key_that_cannot_be_made_is_told() {
    let place = Place::new();
    let with = |more: &[&str]| place.run(&[&["keys", "create"], more].concat());
    for (more, told) in [
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
        let ran = with(&more);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{more:?}: {}", ran.err);
        assert!(ran.err.contains(told), "{more:?}: {}", ran.err);
    }
    assert!(listed(&place).is_empty());
}
