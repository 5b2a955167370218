//! `mrrow delete` is killed: its ids are gone together or not at all.

use std::time::Duration;

use super::checks::{holds, is_tidy};
use super::invoices::{Invoices, Pen, Version, statuses, store, write_again};
use super::victim::run;
use super::{chance, moment, rounds};
use crate::run::Place;

fn delete(
    place: &Place,
    ids: &[String],
    kill_after: Option<Duration>,
    invoices: &mut Invoices,
) -> Duration {
    let args: Vec<&str> =
        ["delete", "invoices"].into_iter().chain(ids.iter().map(String::as_str)).collect();
    let remains = run(place, &args, Vec::new(), kill_after);
    let mut without = invoices.clone();
    let expected: Vec<_> = ids.iter().map(|id| (id.clone(), without.delete(id))).collect();
    let found = Invoices::stored(place);
    if let Some(acknowledgement) = remains.acknowledgements.first() {
        assert_eq!(statuses(acknowledgement), expected);
        assert_eq!(found, without, "an acknowledged delete");
    }
    assert!(found == without || found == *invoices, "half a delete after {kill_after:?}");
    assert!(!remains.finished || found == without, "a delete that was done is not");
    *invoices = found;
    remains.lived
}

#[test]
fn a_killed_delete_deletes_all_or_nothing() {
    let place = store();
    let (mut pen, mut invoices) = (Pen::new(chance()), Invoices::default());
    let mut whole = Duration::ZERO;
    for round in 0..=rounds() {
        let versions = pen.versions(20);
        let lines: String = versions.iter().map(Version::line).collect();
        assert_eq!(place.run_with_input(&["push", "invoices", "-"], lines.as_bytes()).code, 0);
        versions.iter().for_each(|version| invoices.apply(version));
        let ids = pen.chance.choose_multiple(invoices.ids(), 5);
        if round == 0 {
            whole = delete(&place, &ids, None, &mut invoices);
            continue;
        }
        let kill_after = moment(round - 1, whole, &mut pen.chance);
        delete(&place, &ids, Some(kill_after), &mut invoices);
        holds(&place);
        write_again(&place, &mut pen, &mut invoices);
        is_tidy(&place);
    }
}
