//! `mrrow settings set` is killed: everyone is computed with the old settings or with the new ones.

use super::checks::{holds, is_tidy, rows};
use super::invoices::{Invoices, Pen, Version, store, write_again};
use super::victim::run;
use super::{chance, moment, rounds};
use crate::run::Place;

const SET: [&str; 4] = ["settings", "set", "grace_days", "never"];

fn movements(place: &Place) -> String {
    rows(place, "select * from movements order by customer_id, date")
}

#[test]
fn a_killed_settings_change_is_done_whole_or_not_at_all() {
    let place = store();
    let (mut pen, mut invoices) = (Pen::new(chance()), Invoices::default());
    let versions = pen.versions(60);
    let lines: String = versions.iter().map(Version::line).collect();
    assert_eq!(place.run_with_input(&["push", "invoices", "-"], lines.as_bytes()).code, 0);
    versions.iter().for_each(|version| invoices.apply(version));
    let (old, changed) = (movements(&place), place.copy());
    let whole = run(&changed, &SET, Vec::new(), None).lived;
    let new = movements(&changed);
    assert_ne!(old, new);
    for round in 0..rounds() {
        let place = place.copy();
        let kill_after = moment(round, whole, &mut pen.chance);
        run(&place, &SET, Vec::new(), Some(kill_after));
        let is_set = place.ok(&["settings", "get", "grace_days"]) == "never\n";
        // What is set is set: who opens the directory next carries it out.
        assert_eq!(
            movements(&place),
            if is_set { new.as_str() } else { old.as_str() },
            "after {kill_after:?}"
        );
        holds(&place);
        write_again(&place, &mut pen, &mut invoices.clone());
        is_tidy(&place);
    }
}
