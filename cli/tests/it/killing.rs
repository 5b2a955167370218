//! An import that is killed half-way: nothing of it is seen, and the next one goes through.

use std::fmt::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::run::Place;

const CUSTOMERS: usize = 1_500;
const ROUNDS: u32 = 10;

fn book() -> String {
    let mut customers = String::new();
    let mut invoices = String::new();
    for customer in 0..CUSTOMERS {
        let comma = if customer == 0 { "" } else { "," };
        write!(customers, r#"{comma}{{"id":"c{customer}","name":"Customer {customer}"}}"#).unwrap();
        write!(
            invoices,
            r#"{comma}{{"id":"i{customer}","customer_id":"c{customer}","type":"subscription","invoice_date":"2024-01-01","amount":100,"currency":"USD","plan_id":"p"}}"#
        )
        .unwrap();
    }
    let plan = r#"{"id":"p","name":"P","interval":"month","interval_count":1,"currency":"USD"}"#;
    format!(r#"{{"customers":[{customers}],"plans":[{plan}],"invoices":[{invoices}]}}"#)
}

/// Records and movements of every data source that is there, and no other number than all or nothing.
fn sources(place: &Place) -> usize {
    let query = "select c.data_source, c.n as customers, i.n as invoices, m.n as movements
        from (select data_source, count(*) as n from customers group by data_source) c
        full outer join (select data_source, count(*) as n from invoices group by data_source) i using (data_source)
        full outer join (select data_source, count(*) as n from movements where type = 'new' group by data_source) m
          using (data_source)";
    let rows = place.ok(&["sql", "-c", query]);
    for line in rows.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        for table in ["customers", "invoices", "movements"] {
            assert_eq!(row[table], CUSTOMERS, "{row}");
        }
    }
    rows.lines().count()
}

#[test]
fn a_killed_import_leaves_all_or_nothing() {
    let place = Place::new();
    let file = place.file("book.json", book());
    let path = file.to_str().unwrap();
    let started = Instant::now();
    place.ok(&["import", path, "--source", "whole"]);
    let whole = started.elapsed();
    let mut stored = sources(&place);
    let mut killed = 0;
    for round in 0..ROUNDS {
        let source = format!("s{round}");
        let mut command = place.command(&["import", path, "--source", &source]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // The kills are spread over the time that a whole import has taken here and now.
        std::thread::sleep(whole * round / ROUNDS + Duration::from_millis(1));
        child.kill().unwrap();
        let finished = child.wait().unwrap().success();
        killed += usize::from(!finished);
        let now = sources(&place);
        assert!(now == stored || now == stored + 1, "{stored} sources became {now}");
        assert!(!finished || now == stored + 1, "an import that was done is not there");
        stored = now;
        place.ok(&["verify"]);
    }
    assert!(killed > 0, "no import was killed before it ended");
    place.ok(&["import", path, "--source", "last"]);
    assert_eq!(sources(&place), stored + 1);
}
