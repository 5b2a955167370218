//! Kills `mrrow import`: all of it is visible, or nothing, and the next import succeeds.

use std::fmt::Write;

use super::checks::{assert_no_leftovers, rows, verify};
use super::killed_run::run;
use super::{kill_time, rounds, seeded_rng};
use crate::test_dir::TestDir;

const CUSTOMERS: usize = 600;

fn book() -> String {
    let mut customers = String::new();
    let mut invoices = String::new();
    for customer in 0..CUSTOMERS {
        let comma = if customer == 0 { "" } else { "," };
        write!(customers, r#"{comma}{{"id":"c{customer}","name":"Customer {customer}"}}"#).unwrap();
        write!(
            invoices,
            "{comma}{{\"id\":\"i{customer}\",\"customer_id\":\"c{customer}\",\
             \"type\":\"subscription\",\"invoice_date\":\"2024-01-01\",\"amount\":100,\
             \"currency\":\"USD\",\"plan_id\":\"p\"}}"
        )
        .unwrap();
    }
    let plan = r#"{"id":"p","name":"P","interval":"month","interval_count":1,"currency":"USD"}"#;
    format!(r#"{{"customers":[{customers}],"plans":[{plan}],"invoices":[{invoices}]}}"#)
}

/// The number of data sources, each of which must have all its records and movements.
fn sources(dir: &TestDir) -> usize {
    let query = "select c.n as customers, i.n as invoices, m.n as movements\n        from \
         (select data_source, count(*) as n from customers group by data_source) c\n        full \
         outer join (select data_source, count(*) as n from invoices group by data_source) i \
         using (data_source)\n        full outer join (select data_source, count(*) as n from \
         movements where type = 'new' group by data_source) m\n          using (data_source)";
    let found = rows(dir, query);
    for line in found.lines().skip(1) {
        assert_eq!(line, format!("{CUSTOMERS},{CUSTOMERS},{CUSTOMERS}"));
    }
    found.lines().count() - 1
}

#[test]
fn killed_import_stores_all_or_nothing() {
    let dir = TestDir::new();
    let file = dir.file("book.json", book());
    let path = file.to_str().unwrap();
    let whole = run(&dir, &["import", path, "--source", "whole"], Vec::new(), None).duration;
    let (mut rng, mut stored, mut killed) = (seeded_rng(), sources(&dir), 0);
    for round in 0..rounds() {
        let args = ["import", path, "--source", &format!("s{round}")];
        let kill_after = kill_time(round, whole, &mut rng);
        let killed_run = run(&dir, &args, Vec::new(), Some(kill_after));
        killed += usize::from(!killed_run.finished);
        let now = sources(&dir);
        assert!(now == stored || now == stored + 1, "{stored} sources became {now}");
        assert!(!killed_run.finished || now == stored + 1, "a finished import is lost");
        verify(&dir);
        dir.ok(&["import", path, "--source", "again"]);
        stored = sources(&dir);
        assert_no_leftovers(&dir);
    }
    assert!(killed > 0, "no import was killed before its end");
}
