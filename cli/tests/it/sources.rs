//! `mrrow sources`.

use serde_json::Value;

use crate::run::Place;

fn listed(place: &Place) -> Vec<Value> {
    place.ok(&["sources", "list"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_data_source_is_made_shown_and_renamed() {
    let place = Place::new();
    assert_eq!(
        place.ok(&["sources", "create", "Our shop", "--id", "shop", "--kind", "stripe"]),
        "shop\n"
    );
    let id = place.ok(&["sources", "create", "App"]);
    assert!(id.starts_with("ds_") && id.len() == 36, "{id}");
    let sources = listed(&place);
    assert_eq!(
        sources.iter().map(|source| source["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["Our shop", "App"]
    );
    assert_eq!(
        sources.iter().map(|source| source["kind"].as_str().unwrap()).collect::<Vec<_>>(),
        ["stripe", "api"]
    );
    place.ok(&["sources", "rename", "App", "The app"]);
    let shown: Value = serde_json::from_str(&place.ok(&["sources", "show", id.trim()])).unwrap();
    assert_eq!((&shown["id"], &shown["name"]), (&id.trim().into(), &"The app".into()));
    for (args, code, told) in [
        (vec!["create", "Our shop"], 1, "\"Our shop\" is the name of a data source already"),
        (vec!["create", "x", "--id", "shop"], 1, "\"shop\" is the id of a data source already"),
        (vec!["rename", "The app", "shop"], 1, "is the id of a data source already"),
        (vec!["create", "x", "--id", "a/b"], 2, "cannot stand in an address"),
        (vec!["create", ""], 2, "the name of the data source is empty"),
        (vec!["show", "App"], 1, "there is no data source \"App\""),
        (vec!["reset", "nowhere"], 1, "there is no data source \"nowhere\""),
    ] {
        let ran = place.run(&[&["sources"], &args[..]].concat());
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{args:?}: {}", ran.err);
        assert!(ran.err.contains(told), "{args:?}: {}", ran.err);
    }
}

#[test]
fn a_data_source_is_emptied_and_deleted() {
    let place = Place::new();
    place.import_sample();
    let movements =
        |more: &[&str]| place.ok(&[&["movements", "--as-of", "2025-07-01"], more].concat());
    let before = movements(&[]);
    assert!(!before.is_empty());
    place.ok(&["sources", "delete", "default"]);
    assert!(listed(&place).is_empty());
    assert_eq!(movements(&[]), before);

    let customer = r#"{"id":"new","name":"New"}"#;
    assert_eq!(place.run_with_input(&["push", "customers", "-"], customer.as_bytes()).code, 0);
    assert_eq!(listed(&place)[0]["id"], "default", "new records make it anew");
    let ran = place.run(&["sources", "reset", "default"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    assert!(ran.err.contains("records of \"default\" are deleted"), "{}", ran.err);
    assert_eq!(movements(&[]), "");
    assert_eq!(movements(&["--snapshot", "1"]), before);
    assert_eq!(listed(&place).len(), 1);
    place.ok(&["verify"]);

    place.import_sample();
    assert_eq!(movements(&[]), before);
    place.ok(&["sources", "delete", "default", "--with-data"]);
    assert_eq!(movements(&[]), "");
    assert!(listed(&place).is_empty());
    place.ok(&["verify"]);
}
