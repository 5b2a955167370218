//! `mrrow push` is killed while it acknowledges, flushes and tidies up, and so is who opens the
//! store after it.

use std::time::Duration;

use super::checks::{holds, is_tidy};
use super::invoices::{Invoices, Pen, Version, acknowledge, store, write_again};
use super::victim::{Feed, run};
use super::{chance, moment, rounds};
use crate::run::Place;

/// Requests of one run.
const REQUESTS: usize = 16;
/// Between two requests of a slow sender: the flush comes while it sends.
const PAUSE: Duration = Duration::from_millis(60);

/// A run of requests of so many rows each.
struct Sending {
    requests: Vec<Vec<Version>>,
    batch: String,
    pause: Duration,
}

impl Sending {
    fn new(pen: &mut Pen, rows: usize, pause: Duration) -> Sending {
        let requests = (0..REQUESTS).map(|_| pen.versions(rows)).collect();
        Sending { requests, batch: rows.to_string(), pause }
    }

    fn args(&self) -> [&str; 5] {
        ["push", "invoices", "-", "--batch", &self.batch]
    }

    fn feed(&self) -> Feed {
        let text = |request: &Vec<Version>| request.iter().map(Version::line).collect();
        self.requests.iter().map(|request| (self.pause, text(request))).collect()
    }
}

/// Kills one run, and asserts that all that was acknowledged is there, and of what was not at most
/// one request, whole.
fn check(
    place: &Place,
    sending: &Sending,
    kill_after: Duration,
    pen: &mut Pen,
    invoices: &mut Invoices,
) -> bool {
    let remains = run(place, &sending.args(), sending.feed(), Some(kill_after));
    let (acknowledged, others) = sending.requests.split_at(remains.acknowledgements.len());
    for (acknowledgement, request) in remains.acknowledgements.iter().zip(acknowledged) {
        acknowledge(acknowledgement, request, invoices);
    }
    assert!(
        !remains.finished || others.is_empty(),
        "a run that was done has not acknowledged everything"
    );
    if pen.chance.bool() {
        let soon = Duration::from_millis(pen.chance.u64(..120));
        run(place, &["status", "--json"], Vec::new(), Some(soon));
    }
    let found = Invoices::stored(place);
    if found != *invoices {
        let durable = others.first().into_iter().flatten();
        durable.for_each(|version| invoices.apply(version));
        assert_eq!(
            found,
            *invoices,
            "after {kill_after:?} and {} acknowledgements",
            acknowledged.len()
        );
    }
    holds(place);
    write_again(place, pen, invoices);
    is_tidy(place);
    !remains.finished
}

/// Kills runs at moments that are spread over one that is left alone.
fn check_all(pause: Duration) {
    let place = store();
    let (mut pen, mut invoices) = (Pen::new(chance()), Invoices::default());
    let mut whole = Duration::ZERO;
    let mut killed = 0;
    for round in 0..=rounds() {
        let rows = [1, 3, 10][round as usize % 3];
        let sending = Sending::new(&mut pen, rows, pause);
        if round == 0 {
            let remains = run(&place, &sending.args(), sending.feed(), None);
            whole = remains.lived;
            sending.requests.iter().flatten().for_each(|version| invoices.apply(version));
            assert_eq!(Invoices::stored(&place), invoices);
            continue;
        }
        let kill_after = moment(round - 1, whole, &mut pen.chance);
        killed += u32::from(check(&place, &sending, kill_after, &mut pen, &mut invoices));
    }
    assert!(killed > 0, "no run was killed before it ended");
}

#[test]
fn a_killed_slow_push_loses_nothing_acknowledged() {
    check_all(PAUSE);
}

#[test]
fn a_killed_burst_of_pushes_loses_nothing_acknowledged() {
    check_all(Duration::ZERO);
}
