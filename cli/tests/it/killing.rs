//! An import that is killed half-way: nothing of it is seen, and the next one goes through.

use std::fmt::Write;
use std::process::Stdio;
use std::time::Duration;

use crate::run::Place;

const CUSTOMERS: usize = 2_000;

#[test]
fn a_killed_import_leaves_all_or_nothing() {
    let place = Place::new();
    let mut book = String::new();
    for customer in 0..CUSTOMERS {
        writeln!(book, r#"{{"id":"c{customer}","name":"Customer {customer}"}}"#).unwrap();
    }
    let file = place.file("customers.ndjson", &book);
    let mut killed = 0;
    for round in 0..12_u64 {
        let mut command = place.command(&["import", file.to_str().unwrap(), "--source", &format!("s{round}")]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Rounds are killed at other points of the work; a machine that is quicker or slower moves them all.
        std::thread::sleep(Duration::from_millis(10 + round * 12));
        child.kill().unwrap();
        let finished = child.wait().unwrap().success();
        killed += usize::from(!finished);
        let query = "select data_source, count(*) as n from customers group by data_source";
        for line in place.ok(&["sql", "-c", query]).lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(row["n"], CUSTOMERS, "{row}");
        }
    }
    assert!(killed > 0, "no import was killed before it ended");
    assert_eq!(place.run(&["import", file.to_str().unwrap(), "--source", "last"]).code, 0);
    assert_eq!(place.run(&["verify"]).code, 0);
}
