//! The writer lock: a second writer is refused with the process id of the first, while reads
//! continue and changed settings are applied.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::test_dir::TestDir;
use crate::wait::wait_for;

/// A `mrrow push` with an open standard input.
struct Writer {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Writer {
    fn start(dir: &TestDir) -> Writer {
        let mut command =
            dir.command(&["push", "customers", "-", "--batch", "1", "--input-format", "ndjson"]);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, output) =
            (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Writer { process, input, output }
    }

    /// Pushes a customer and waits for its acknowledgement.
    fn push(&mut self, id: &str) {
        writeln!(self.input, r#"{{"id":"{id}","name":"{id}"}}"#).unwrap();
        let mut acknowledgement = String::new();
        self.output.read_line(&mut acknowledgement).unwrap();
        assert!(acknowledgement.contains(r#""status":"created""#), "{acknowledgement}");
    }

    /// Closes standard input and waits for the end of the process.
    fn end(mut self) {
        drop(self.input);
        assert!(self.process.wait().unwrap().success());
    }
}

/// Runs a command until it prints the expected output.
fn wait_for_output(dir: &TestDir, args: &[&str], is_expected: impl Fn(&str) -> bool) -> String {
    wait_for(&format!("{args:?} prints the expected output"), || {
        Some(dir.ok(args)).filter(|found| is_expected(found))
    })
}

#[test]
fn second_writer_is_refused_and_reads_continue() {
    let dir = TestDir::new();
    dir.import_sample();
    let mut writer = Writer::start(&dir);
    writer.push("new");
    let pid = writer.process.id().to_string();
    let file = dir.file("customers.csv", "id,name\nother,Other\n");
    let path = file.to_str().unwrap();
    for args in [
        vec!["import", path],
        vec!["push", "customers", path],
        vec!["delete", "customers", "new"],
        vec!["compact"],
    ] {
        let refused = dir.run(&args);
        assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{args:?}");
        assert!(
            refused.err.contains(&format!("is being written by process {pid};")),
            "{args:?}: {}",
            refused.err
        );
    }
    let count = [
        "sql",
        "--format",
        "csv",
        "-c",
        "select count(*) as n from customers where id in ('new', 'other')",
    ];
    wait_for_output(&dir, &count, |found| found == "n\n1\n");
    for args in
        [vec!["movements"], vec!["mrr"], vec!["verify"], vec!["settings", "list"], vec!["status"]]
    {
        dir.ok(&args);
    }
    writer.push("newer");
    writer.end();
    dir.ok(&["import", path]);
    assert_eq!(dir.ok(&count), "n\n2\n");
    dir.ok(&["verify"]);
}

#[test]
fn running_writer_applies_changed_settings() {
    let dir = TestDir::new();
    dir.import_sample();
    let movements = ["movements", "--as-of", "2025-07-01"];
    let before = dir.ok(&movements);
    let mut writer = Writer::start(&dir);
    writer.push("one");
    dir.ok(&["settings", "set", "refunds", "ignore"]);
    assert_eq!(dir.ok(&["settings", "get", "refunds"]), "ignore\n");
    let after = wait_for_output(&dir, &movements, |found| found != before);
    writer.push("two");
    writer.end();
    assert_eq!(dir.ok(&movements), after);
    dir.ok(&["verify"]);
}

#[test]
fn ending_writer_or_the_next_one_applies_changed_settings() {
    let dir = TestDir::new();
    dir.import_sample();
    let movements = ["movements", "--as-of", "2025-07-01"];
    let before = dir.ok(&movements);
    let mut writer = Writer::start(&dir);
    writer.push("one");
    dir.ok(&["settings", "set", "refunds", "ignore"]);
    writer.end();
    assert_ne!(dir.ok(&movements), before);
    dir.ok(&["verify"]);
}
