//! Kills `mrrow compact`: no row changes, and no file is orphaned or missing.

use super::checks::{assert_no_leftovers, rows, verify};
use super::expected_invoices::{ExpectedInvoices, Version, VersionGenerator, store, write_again};
use super::killed_run::run;
use super::{kill_time, rounds, seeded_rng};
use crate::test_dir::TestDir;

/// Number of runs that each add delta files.
const RUNS: usize = 6;

/// A store with many delta files, including superseded versions and tombstones.
fn many_deltas(generator: &mut VersionGenerator, invoices: &mut ExpectedInvoices) -> TestDir {
    let dir = store();
    for _ in 0..RUNS {
        let versions = generator.versions(15);
        let lines: String = versions.iter().map(Version::line).collect();
        assert_eq!(dir.run_with_input(&["push", "invoices", "-"], lines.as_bytes()).code, 0);
        versions.iter().for_each(|version| invoices.apply(version));
        let id = generator.rng.choice(invoices.ids()).unwrap();
        dir.ok(&["delete", "invoices", &id]);
        invoices.delete(&id);
    }
    dir
}

fn all_rows(dir: &TestDir) -> [String; 3] {
    [
        rows(dir, "select * from invoices order by id"),
        rows(dir, "select * from movements order by customer_id, date"),
        rows(dir, "select * from mrr_lines order by customer_id, start_on, invoice_id"),
    ]
}

#[test]
fn killed_compaction_changes_no_row() {
    let (mut generator, mut invoices) =
        (VersionGenerator::new(seeded_rng()), ExpectedInvoices::default());
    let dir = many_deltas(&mut generator, &mut invoices);
    let before = all_rows(&dir);
    let whole = run(&dir.copy(), &["compact"], Vec::new(), None).duration;
    for round in 0..rounds() {
        let dir = dir.copy();
        let kill_after = kill_time(round, whole, &mut generator.rng);
        run(&dir, &["compact"], Vec::new(), Some(kill_after));
        assert_eq!(all_rows(&dir), before, "after {kill_after:?}");
        verify(&dir);
        write_again(&dir, &mut generator, &mut invoices.clone());
        assert_no_leftovers(&dir);
        dir.ok(&["compact"]);
        verify(&dir);
        assert_no_leftovers(&dir);
    }
}
