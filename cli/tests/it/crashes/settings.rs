//! Kills `mrrow settings set`: all customers have the old setting, or all have the new one.

use super::checks::{assert_no_leftovers, rows, verify};
use super::expected_invoices::{ExpectedInvoices, Version, VersionGenerator, store, write_again};
use super::killed_run::run;
use super::{kill_time, rounds, seeded_rng};
use crate::test_dir::TestDir;

const SET: [&str; 4] = ["settings", "set", "grace_days", "never"];

fn movements(dir: &TestDir) -> String {
    rows(dir, "select * from movements order by customer_id, date")
}

#[test]
fn killed_settings_change_applies_to_all_customers_or_none() {
    let dir = store();
    let (mut generator, mut invoices) =
        (VersionGenerator::new(seeded_rng()), ExpectedInvoices::default());
    let versions = generator.versions(60);
    let lines: String = versions.iter().map(Version::line).collect();
    assert_eq!(dir.run_with_input(&["push", "invoices", "-"], lines.as_bytes()).code, 0);
    versions.iter().for_each(|version| invoices.apply(version));
    let (old, changed) = (movements(&dir), dir.copy());
    let whole = run(&changed, &SET, Vec::new(), None).duration;
    let new = movements(&changed);
    assert_ne!(old, new);
    for round in 0..rounds() {
        let dir = dir.copy();
        let kill_after = kill_time(round, whole, &mut generator.rng);
        run(&dir, &SET, Vec::new(), Some(kill_after));
        let is_set = dir.ok(&["settings", "get", "grace_days"]) == "never\n";
        // The setting is durable before the movements are recomputed. Opening the store finishes
        // that.
        assert_eq!(
            movements(&dir),
            if is_set { new.as_str() } else { old.as_str() },
            "after {kill_after:?}"
        );
        verify(&dir);
        write_again(&dir, &mut generator, &mut invoices.clone());
        assert_no_leftovers(&dir);
    }
}
