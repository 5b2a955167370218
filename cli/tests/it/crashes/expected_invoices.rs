//! The invoices that a store must have, from the acknowledged versions.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::checks::rows;
use crate::test_dir::TestDir;

const CUSTOMERS: u32 = 12;
const IDS: u32 = 40;
const DAY: &str = "2024-01-01";

/// One version of one invoice. Every version has another amount.
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
            "{{\"id\":\"{id}\",\"customer_id\":\"{customer}\",\"type\":\"subscription\",\
             \"invoice_date\":\"{DAY}\",\"amount\":{amount},\"currency\":\"USD\",\
             \"plan_id\":\"p\"}}\n"
        )
    }
}

/// ExpectedInvoices by id: customer and amount.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ExpectedInvoices(BTreeMap<String, (String, u32)>);

impl ExpectedInvoices {
    /// Reads the stored invoices.
    pub(super) fn stored(dir: &TestDir) -> ExpectedInvoices {
        let csv = rows(dir, "select id, customer_id, amount from invoices");
        let mut invoices = BTreeMap::new();
        for line in csv.lines().skip(1) {
            let [id, customer, amount] = line.split(',').collect::<Vec<_>>().try_into().unwrap();
            let before =
                invoices.insert(id.to_string(), (customer.to_string(), amount.parse().unwrap()));
            assert!(before.is_none(), "{id} is stored twice");
        }
        ExpectedInvoices(invoices)
    }

    /// Applies a version and returns its expected status.
    pub(super) fn upsert(&mut self, version: &Version) -> &'static str {
        let new = (version.customer.clone(), version.amount);
        match self.0.insert(version.id.clone(), new.clone()) {
            None => "created",
            Some(before) if before == new => "unchanged",
            Some(_) => "updated",
        }
    }

    pub(super) fn apply(&mut self, version: &Version) {
        self.upsert(version);
    }

    pub(super) fn delete(&mut self, id: &str) -> &'static str {
        if self.0.remove(id).is_some() { "deleted" } else { "not_found" }
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// Generates random versions, each with another amount.
pub(super) struct VersionGenerator {
    pub(super) rng: fastrand::Rng,
    amounts: u32,
}

impl VersionGenerator {
    pub(super) fn new(rng: fastrand::Rng) -> VersionGenerator {
        VersionGenerator { rng, amounts: 0 }
    }

    /// A version of any invoice, mostly with the customer of its earlier versions.
    pub(super) fn version(&mut self) -> Version {
        let number = self.rng.u32(..IDS);
        let customer =
            if self.rng.u32(..5) == 0 { self.rng.u32(..CUSTOMERS) } else { number % CUSTOMERS };
        self.amounts += 1;
        Version { id: format!("i{number}"), customer: format!("c{customer}"), amount: self.amounts }
    }

    /// Several versions. Some repeat the previous one, or change the same invoice again.
    pub(super) fn versions(&mut self, count: usize) -> Vec<Version> {
        let mut versions: Vec<Version> = Vec::with_capacity(count);
        while versions.len() < count {
            let mut version = self.version();
            match (versions.last(), self.rng.u32(..8)) {
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
pub(super) fn store() -> TestDir {
    let dir = TestDir::new();
    let mut customers = String::new();
    for number in 0..CUSTOMERS {
        writeln!(customers, r#"{{"id":"c{number}","name":"Customer {number}"}}"#).unwrap();
    }
    let plan = r#"{"id":"p","name":"P","interval":"month","interval_count":1,"currency":"USD"}"#;
    let (customers, plan) =
        (dir.file("customers.ndjson", customers), dir.file("plans.ndjson", plan));
    dir.ok(&["import", customers.to_str().unwrap(), plan.to_str().unwrap()]);
    dir
}

/// Checks the status of each row in an acknowledgement, and applies the rows.
pub(super) fn acknowledge(
    acknowledgement: &Value,
    versions: &[Version],
    invoices: &mut ExpectedInvoices,
) {
    assert_eq!(acknowledgement["stored"], true, "{acknowledgement}");
    let expected: Vec<_> =
        versions.iter().map(|version| (version.id.clone(), invoices.upsert(version))).collect();
    assert_eq!(statuses(acknowledgement), expected, "{acknowledgement}");
}

/// The id and status of each row.
pub(super) fn statuses(acknowledgement: &Value) -> Vec<(String, &str)> {
    let rows = acknowledgement["result"].as_array().unwrap();
    rows.iter()
        .map(|row| (row["id"].as_str().unwrap().to_string(), row["status"].as_str().unwrap()))
        .collect()
}

/// The next write after a crash succeeds and is visible.
pub(super) fn write_again(
    dir: &TestDir,
    generator: &mut VersionGenerator,
    invoices: &mut ExpectedInvoices,
) {
    let version = generator.version();
    let output = dir.run_with_input(&["push", "invoices", "-"], version.line().as_bytes());
    assert_eq!(output.code, 0, "{}", output.err);
    acknowledge(&serde_json::from_str(&output.out).unwrap(), &[version], invoices);
    assert_eq!(ExpectedInvoices::stored(dir), *invoices, "after the next write");
}
