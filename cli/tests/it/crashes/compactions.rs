//! `mrrow compact` is killed: no row changes, and no file is left over or missing.

use super::checks::{holds, is_tidy, rows};
use super::invoices::{Invoices, Pen, Version, store, write_again};
use super::victim::run;
use super::{chance, moment, rounds};
use crate::run::Place;

/// Runs that each leave delta files.
const RUNS: usize = 6;

/// A store with many delta files, superseded versions and tombstones among them.
fn many_deltas(pen: &mut Pen, invoices: &mut Invoices) -> Place {
    let place = store();
    for _ in 0..RUNS {
        let versions = pen.versions(15);
        let lines: String = versions.iter().map(Version::line).collect();
        assert_eq!(place.run_with_input(&["push", "invoices", "-"], lines.as_bytes()).code, 0);
        versions.iter().for_each(|version| invoices.apply(version));
        let id = pen.chance.choice(invoices.ids()).unwrap();
        place.ok(&["delete", "invoices", &id]);
        invoices.delete(&id);
    }
    place
}

fn everything(place: &Place) -> [String; 3] {
    [
        rows(place, "select * from invoices order by id"),
        rows(place, "select * from movements order by customer_id, date"),
        rows(place, "select * from mrr_lines order by customer_id, start_on, invoice_id"),
    ]
}

#[test]
fn a_killed_compaction_changes_nothing() {
    let (mut pen, mut invoices) = (Pen::new(chance()), Invoices::default());
    let place = many_deltas(&mut pen, &mut invoices);
    let before = everything(&place);
    let whole = run(&place.copy(), &["compact"], Vec::new(), None).lived;
    for round in 0..rounds() {
        let place = place.copy();
        let kill_after = moment(round, whole, &mut pen.chance);
        run(&place, &["compact"], Vec::new(), Some(kill_after));
        assert_eq!(everything(&place), before, "after {kill_after:?}");
        holds(&place);
        write_again(&place, &mut pen, &mut invoices.clone());
        is_tidy(&place);
        place.ok(&["compact"]);
        holds(&place);
        is_tidy(&place);
    }
}
