//! One writer: while it is at work a second one is refused and told who writes, reads go on, and
//! settings are taken over.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use crate::run::Place;

/// How long a documented moment may last on a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// A `mrrow push` that waits for more of its input.
struct Writer {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Writer {
    fn start(place: &Place) -> Writer {
        let mut command =
            place.command(&["push", "customers", "-", "--batch", "1", "--input-format", "ndjson"]);
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

    /// Ends its input and waits for its end.
    fn end(mut self) {
        drop(self.input);
        assert!(self.process.wait().unwrap().success());
    }
}

/// Waits until what a command prints is as wanted.
fn wait_for(place: &Place, args: &[&str], is_wanted: impl Fn(&str) -> bool) -> String {
    let since = Instant::now();
    loop {
        let found = place.ok(args);
        if is_wanted(&found) {
            return found;
        }
        assert!(since.elapsed() < SOON, "{args:?} still gives {found}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_second_writer_is_refused_and_told_who_writes_and_reads_go_on() {
    let place = Place::new();
    place.import_sample();
    let mut writer = Writer::start(&place);
    writer.push("new");
    let pid = writer.process.id().to_string();
    let file = place.file("customers.csv", "id,name\nother,Other\n");
    let path = file.to_str().unwrap();
    for args in [
        vec!["import", path],
        vec!["push", "customers", path],
        vec!["delete", "customers", "new"],
        vec!["compact"],
    ] {
        let refused = place.run(&args);
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
    wait_for(&place, &count, |found| found == "n\n1\n");
    for args in
        [vec!["movements"], vec!["mrr"], vec!["verify"], vec!["settings", "list"], vec!["status"]]
    {
        place.ok(&args);
    }
    writer.push("newer");
    writer.end();
    place.ok(&["import", path]);
    assert_eq!(place.ok(&count), "n\n2\n");
    place.ok(&["verify"]);
}

#[test]
fn settings_that_are_set_beside_a_writer_are_taken_over_by_it() {
    let place = Place::new();
    place.import_sample();
    let movements = ["movements", "--as-of", "2025-07-01"];
    let before = place.ok(&movements);
    let mut writer = Writer::start(&place);
    writer.push("one");
    place.ok(&["settings", "set", "refunds", "ignore"]);
    assert_eq!(place.ok(&["settings", "get", "refunds"]), "ignore\n");
    let after = wait_for(&place, &movements, |found| found != before);
    writer.push("two");
    writer.end();
    assert_eq!(place.ok(&movements), after);
    place.ok(&["verify"]);
}

#[test]
fn settings_that_are_set_beside_a_writer_that_ends_are_taken_over_by_who_comes_next() {
    let place = Place::new();
    place.import_sample();
    let movements = ["movements", "--as-of", "2025-07-01"];
    let before = place.ok(&movements);
    let mut writer = Writer::start(&place);
    writer.push("one");
    place.ok(&["settings", "set", "refunds", "ignore"]);
    writer.end();
    assert_ne!(place.ok(&movements), before);
    place.ok(&["verify"]);
}
