//! `mrrow import` is killed: nothing of it is seen, or everything, and the next one goes through.

use std::fmt::Write;

use super::checks::{holds, is_tidy, rows};
use super::victim::run;
use super::{chance, moment, rounds};
use crate::run::Place;

const CUSTOMERS: usize = 600;

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

/// The data sources that are there: records and movements of each, and no other number than all or
/// nothing.
fn sources(place: &Place) -> usize {
    let query = "select c.n as customers, i.n as invoices, m.n as movements
        from (select data_source, count(*) as n from customers group by data_source) c
        full outer join (select data_source, count(*) as n from invoices group by data_source) i using (data_source)
        full outer join (select data_source, count(*) as n from movements where type = 'new' group by data_source) m
          using (data_source)";
    let found = rows(place, query);
    for line in found.lines().skip(1) {
        assert_eq!(line, format!("{CUSTOMERS},{CUSTOMERS},{CUSTOMERS}"));
    }
    found.lines().count() - 1
}

#[test]
fn a_killed_import_leaves_all_or_nothing() {
    let place = Place::new();
    let file = place.file("book.json", book());
    let path = file.to_str().unwrap();
    let whole = run(&place, &["import", path, "--source", "whole"], Vec::new(), None).lived;
    let (mut chance, mut stored, mut killed) = (chance(), sources(&place), 0);
    for round in 0..rounds() {
        let args = ["import", path, "--source", &format!("s{round}")];
        let kill_after = moment(round, whole, &mut chance);
        let remains = run(&place, &args, Vec::new(), Some(kill_after));
        killed += usize::from(!remains.finished);
        let now = sources(&place);
        assert!(now == stored || now == stored + 1, "{stored} sources became {now}");
        assert!(!remains.finished || now == stored + 1, "an import that was done is not there");
        holds(&place);
        place.ok(&["import", path, "--source", "again"]);
        stored = sources(&place);
        is_tidy(&place);
    }
    assert!(killed > 0, "no import was killed before it ended");
}
