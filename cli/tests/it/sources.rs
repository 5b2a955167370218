//! `mrrow sources`.

use serde_json::Value;

use crate::test_dir::TestDir;

fn listed(dir: &TestDir) -> Vec<Value> {
    dir.ok(&["sources", "list"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn data_source_is_created_shown_and_renamed() {
    let dir = TestDir::new();
    assert_eq!(
        dir.ok(&["sources", "create", "Our shop", "--id", "shop", "--kind", "stripe"]),
        "shop\n"
    );
    let id = dir.ok(&["sources", "create", "App"]);
    assert!(id.starts_with("ds_") && id.len() == 36, "{id}");
    let sources = listed(&dir);
    assert_eq!(
        sources.iter().map(|source| source["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["Our shop", "App"]
    );
    assert_eq!(
        sources.iter().map(|source| source["kind"].as_str().unwrap()).collect::<Vec<_>>(),
        ["stripe", "api"]
    );
    dir.ok(&["sources", "rename", "App", "The app"]);
    let shown: Value = serde_json::from_str(&dir.ok(&["sources", "show", id.trim()])).unwrap();
    assert_eq!((&shown["id"], &shown["name"]), (&id.trim().into(), &"The app".into()));
    for (args, code, expected) in [
        (vec!["create", "Our shop"], 1, "\"Our shop\" is already the name of a data source"),
        (vec!["create", "x", "--id", "shop"], 1, "\"shop\" is the id of a data source already"),
        (vec!["rename", "The app", "shop"], 1, "is the id of a data source already"),
        (vec!["create", "x", "--id", "a/b"], 2, "cannot stand in an address"),
        (vec!["create", ""], 2, "the name of the data source is empty"),
        (vec!["show", "App"], 1, "there is no data source \"App\""),
        (vec!["reset", "nowhere"], 1, "there is no data source \"nowhere\""),
    ] {
        let output = dir.run(&[&["sources"], &args[..]].concat());
        assert_eq!((output.code, output.out.as_str()), (code, ""), "{args:?}: {}", output.err);
        assert!(output.err.contains(expected), "{args:?}: {}", output.err);
    }
}

#[test]
fn data_source_is_emptied_and_deleted() {
    let dir = TestDir::new();
    dir.import_sample();
    let movements =
        |more: &[&str]| dir.ok(&[&["movements", "--as-of", "2025-07-01"], more].concat());
    let before = movements(&[]);
    assert!(!before.is_empty());
    dir.ok(&["sources", "delete", "default"]);
    assert!(listed(&dir).is_empty());
    assert_eq!(movements(&[]), before);

    let customer = r#"{"id":"new","name":"New"}"#;
    assert_eq!(dir.run_with_input(&["push", "customers", "-"], customer.as_bytes()).code, 0);
    assert_eq!(listed(&dir)[0]["id"], "default", "new records create it again");
    let output = dir.run(&["sources", "reset", "default"]);
    assert_eq!((output.code, output.out.as_str()), (0, ""));
    assert!(output.err.contains("records of \"default\""), "{}", output.err);
    assert_eq!(movements(&[]), "");
    assert_eq!(movements(&["--snapshot", "1"]), before);
    assert_eq!(listed(&dir).len(), 1);
    dir.ok(&["verify"]);

    dir.import_sample();
    assert_eq!(movements(&[]), before);
    dir.ok(&["sources", "delete", "default", "--with-data"]);
    assert_eq!(movements(&[]), "");
    assert!(listed(&dir).is_empty());
    dir.ok(&["verify"]);
}
