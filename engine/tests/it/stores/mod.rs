//! Stores that programs with earlier forms of the catalog wrote: each opens and answers as before.
//!
//! A form is named after its newest migration. `tests/fixtures/stores/` has a store of each form:
//! the data directory of a writer that was killed right after an acknowledgement, and the answers
//! of the program that wrote it. Add the store of a new form with
//! `cargo test -p mrrow-engine --test it stores::write_fixture -- --ignored`, and commit it with
//! the migration.

mod answers;
mod make;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mrrow_engine::Engine;
use serde_json::{Value, json};
use tempfile::TempDir;

use answers::{answers, repeat_last_request};
use make::{NOW, clock_at, config_at};

/// Names the directory into which `write_store_and_abort` writes.
const STORE_DIR: &str = "MRROW_TEST_STORE";

/// Files that a process leaves in a data directory and that are no part of the store.
const NOT_STORED: [&str; 4] = ["catalog.db-shm", "writer.lock", "open.lock", "server.sock"];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stores")
}

/// The number of the newest migration.
fn newest_form() -> String {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let names = fs::read_dir(migrations).unwrap().map(|entry| entry.unwrap().file_name());
    let forms = names.filter_map(|name| Some(name.to_str()?.split_once('_')?.0.to_string()));
    forms.max().unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else if !NOT_STORED.iter().any(|not_stored| *not_stored == name) {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// Opens a copy of a store, which publishes its inbox, and returns everything that it answers.
async fn open_copy(store: &Path) -> Value {
    let dir = TempDir::new().unwrap();
    copy(store, dir.path());
    let engine = Engine::open(config_at(dir.path(), &clock_at(NOW))).await.unwrap();
    let waiting_rows = engine.status().await.unwrap().waiting_rows;
    assert_eq!(waiting_rows, 0, "the inbox is published when the store is opened");
    let answers = answers(&engine).await;
    let verification = engine.verify().await.unwrap();
    assert!(verification.holds(), "{:?}", verification.failures);
    let repeated = repeat_last_request(&engine).await;
    engine.compact().await.unwrap();
    let verification = engine.verify().await.unwrap();
    assert!(verification.holds(), "{:?}", verification.failures);
    engine.close().await.unwrap();
    json!({"answers": answers, "repeated": repeated})
}

#[tokio::test(flavor = "multi_thread")]
async fn store_of_each_form_answers_as_before() {
    let mut forms = Vec::new();
    for entry in fs::read_dir(fixtures()).unwrap() {
        let fixture = entry.unwrap().path();
        let answered = open_copy(&fixture.join("store")).await;
        let expected = fs::read_to_string(fixture.join("answers.json")).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        for (what, expected) in expected["answers"].as_object().unwrap() {
            let (answered, form) = (&answered["answers"][what], fixture.display());
            assert_eq!(answered, expected, "{what} of the store in {form}");
        }
        assert_eq!(answered["repeated"], expected["repeated"], "{}", fixture.display());
        forms.push(fixture);
    }
    assert!(!forms.is_empty());
}

#[test]
fn newest_form_has_a_fixture() {
    let form = newest_form();
    assert!(
        fixtures().join(&form).join("answers.json").exists(),
        "there is no store of form {form} in tests/fixtures/stores; write it with \
         `cargo test -p mrrow-engine --test it stores::write_fixture -- --ignored`"
    );
}

/// Writes the fixture of the newest form, unless there is one.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes into the repository; run it once for each migration"]
async fn write_fixture() {
    let fixture = fixtures().join(newest_form());
    assert!(!fixture.exists(), "{} is there already", fixture.display());
    let dir = TempDir::new().unwrap();
    let killed = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "stores::write_store_and_abort", "--ignored"])
        .env(STORE_DIR, dir.path())
        .status()
        .unwrap();
    assert_eq!(killed.code(), None, "the writer ends by a signal");
    let answered = open_copy(dir.path()).await;
    copy(dir.path(), &fixture.join("store"));
    let text = serde_json::to_string_pretty(&answered).unwrap();
    fs::write(fixture.join("answers.json"), text + "\n").unwrap();
}

/// The process that `write_fixture` starts.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "ends its process; `write_fixture` runs it in one of its own"]
async fn write_store_and_abort() {
    let dir = std::env::var(STORE_DIR).unwrap();
    make::write_store(Path::new(&dir)).await;
    std::process::abort();
}
