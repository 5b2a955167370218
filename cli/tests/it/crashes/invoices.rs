//! A store of invoices, and what is acknowledged of them.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::checks::rows;
use crate::run::Place;

const CUSTOMERS: u32 = 12;
const IDS: u32 = 40;
const DAY: &str = "2024-01-01";

/// One version of one invoice; its amount is told from that of any other version.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) id: String,
    pub(super) customer: String,
    pub(super) amount: u32,
}

impl Version {
    pub(super) fn line(&self) -> String {
        let Version { id, customer, amount } = self;
        format!(
            r#"{{"id":"{id}","customer_id":"{customer}","type":"subscription","invoice_date":"{DAY}","amount":{amount},"currency":"USD","plan_id":"p"}}
"#
        )
    }
}

/// Invoices by id: customer and amount.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Invoices(BTreeMap<String, (String, u32)>);

impl Invoices {
    /// Those that are stored.
    pub(super) fn stored(place: &Place) -> Invoices {
        let csv = rows(place, "select id, customer_id, amount from invoices");
        let mut invoices = BTreeMap::new();
        for line in csv.lines().skip(1) {
            let [id, customer, amount] = line.split(',').collect::<Vec<_>>().try_into().unwrap();
            let before =
                invoices.insert(id.to_string(), (customer.to_string(), amount.parse().unwrap()));
            assert!(before.is_none(), "{id} is there twice");
        }
        Invoices(invoices)
    }

    /// What a version does to them.
    pub(super) fn take(&mut self, version: &Version) -> &'static str {
        let new = (version.customer.clone(), version.amount);
        match self.0.insert(version.id.clone(), new.clone()) {
            None => "created",
            Some(before) if before == new => "unchanged",
            Some(_) => "updated",
        }
    }

    pub(super) fn apply(&mut self, version: &Version) {
        self.take(version);
    }

    pub(super) fn delete(&mut self, id: &str) -> &'static str {
        if self.0.remove(id).is_some() { "deleted" } else { "not_found" }
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// Writes versions, each with an amount of its own.
pub(super) struct Pen {
    pub(super) chance: fastrand::Rng,
    amounts: u32,
}

impl Pen {
    pub(super) fn new(chance: fastrand::Rng) -> Pen {
        Pen { chance, amounts: 0 }
    }

    /// A version of any invoice, mostly of a customer it was of before.
    pub(super) fn version(&mut self) -> Version {
        let number = self.chance.u32(..IDS);
        let customer = if self.chance.u32(..5) == 0 {
            self.chance.u32(..CUSTOMERS)
        } else {
            number % CUSTOMERS
        };
        self.amounts += 1;
        Version { id: format!("i{number}"), customer: format!("c{customer}"), amount: self.amounts }
    }

    /// So many, some of which say the same as the one before, or something else of the same
    /// invoice.
    pub(super) fn versions(&mut self, count: usize) -> Vec<Version> {
        let mut versions: Vec<Version> = Vec::with_capacity(count);
        while versions.len() < count {
            let mut version = self.version();
            match (versions.last(), self.chance.u32(..8)) {
                (Some(before), 0) => version = before.clone(),
                (Some(before), 1) => version.id.clone_from(&before.id),
                _ => {}
            }
            versions.push(version);
        }
        versions
    }
}

/// A store with the customers and the plan.
pub(super) fn store() -> Place {
    let place = Place::new();
    let mut customers = String::new();
    for number in 0..CUSTOMERS {
        writeln!(customers, r#"{{"id":"c{number}","name":"Customer {number}"}}"#).unwrap();
    }
    let plan = r#"{"id":"p","name":"P","interval":"month","interval_count":1,"currency":"USD"}"#;
    let (customers, plan) =
        (place.file("customers.ndjson", customers), place.file("plans.ndjson", plan));
    place.ok(&["import", customers.to_str().unwrap(), plan.to_str().unwrap()]);
    place
}

/// Asserts that an acknowledgement says of each row what it does, and applies the rows.
pub(super) fn acknowledge(acknowledgement: &Value, versions: &[Version], invoices: &mut Invoices) {
    assert_eq!(acknowledgement["stored"], true, "{acknowledgement}");
    let expected: Vec<_> =
        versions.iter().map(|version| (version.id.clone(), invoices.take(version))).collect();
    assert_eq!(statuses(acknowledgement), expected, "{acknowledgement}");
}

/// Each row's id and status.
pub(super) fn statuses(acknowledgement: &Value) -> Vec<(String, &str)> {
    let rows = acknowledgement["result"].as_array().unwrap();
    rows.iter()
        .map(|row| (row["id"].as_str().unwrap().to_string(), row["status"].as_str().unwrap()))
        .collect()
}

/// The next write after a crash: it goes through, and is seen.
pub(super) fn write_again(place: &Place, pen: &mut Pen, invoices: &mut Invoices) {
    let version = pen.version();
    let ran = place.run_with_input(&["push", "invoices", "-"], version.line().as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.err);
    acknowledge(&serde_json::from_str(&ran.out).unwrap(), &[version], invoices);
    assert_eq!(Invoices::stored(place), *invoices, "after the next write");
}
