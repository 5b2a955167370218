//! Kills `mrrow delete`: all of its ids are deleted, or none.

use std::time::Duration;

use super::checks::{assert_no_leftovers, verify};
use super::expected_invoices::{
    ExpectedInvoices, Version, VersionGenerator, statuses, store, write_again,
};
use super::killed_run::run;
use super::{kill_time, rounds, seeded_rng};
use crate::test_dir::TestDir;

fn delete(
    dir: &TestDir,
    ids: &[String],
    kill_after: Option<Duration>,
    invoices: &mut ExpectedInvoices,
) -> Duration {
    let args: Vec<&str> =
        ["delete", "invoices"].into_iter().chain(ids.iter().map(String::as_str)).collect();
    let killed_run = run(dir, &args, Vec::new(), kill_after);
    let mut without = invoices.clone();
    let expected: Vec<_> = ids.iter().map(|id| (id.clone(), without.delete(id))).collect();
    let found = ExpectedInvoices::stored(dir);
    if let Some(acknowledgement) = killed_run.acknowledgements.first() {
        assert_eq!(statuses(acknowledgement), expected);
        assert_eq!(found, without, "an acknowledged delete is lost");
    }
    assert!(found == without || found == *invoices, "a partial delete after {kill_after:?}");
    assert!(!killed_run.finished || found == without, "a finished delete is lost");
    *invoices = found;
    killed_run.duration
}

#[test]
fn killed_delete_deletes_all_or_nothing() {
    let dir = store();
    let (mut generator, mut invoices) =
        (VersionGenerator::new(seeded_rng()), ExpectedInvoices::default());
    let mut whole = Duration::ZERO;
    for round in 0..=rounds() {
        let versions = generator.versions(20);
        let lines: String = versions.iter().map(Version::line).collect();
        assert_eq!(dir.run_with_input(&["push", "invoices", "-"], lines.as_bytes()).code, 0);
        versions.iter().for_each(|version| invoices.apply(version));
        let ids = generator.rng.choose_multiple(invoices.ids(), 5);
        if round == 0 {
            whole = delete(&dir, &ids, None, &mut invoices);
            continue;
        }
        let kill_after = kill_time(round - 1, whole, &mut generator.rng);
        delete(&dir, &ids, Some(kill_after), &mut invoices);
        verify(&dir);
        write_again(&dir, &mut generator, &mut invoices);
        assert_no_leftovers(&dir);
    }
}
