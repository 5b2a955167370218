//! Kills `mrrow push` while it acknowledges, flushes and removes files, and also the command that
//! opens the store next.

use std::time::Duration;

use super::checks::{assert_no_leftovers, verify};
use super::expected_invoices::{
    ExpectedInvoices, Version, VersionGenerator, acknowledge, store, write_again,
};
use super::killed_run::{Feed, run};
use super::{kill_time, rounds, seeded_rng};
use crate::test_dir::TestDir;

/// Number of requests in one run.
const REQUESTS: usize = 16;
/// The pause between two requests of a slow sender, long enough for flushes during the run.
const PAUSE: Duration = Duration::from_millis(60);

/// A run of requests, each with the same number of rows.
struct PushRun {
    requests: Vec<Vec<Version>>,
    batch: String,
    pause: Duration,
}

impl PushRun {
    fn new(generator: &mut VersionGenerator, rows: usize, pause: Duration) -> PushRun {
        let requests = (0..REQUESTS).map(|_| generator.versions(rows)).collect();
        PushRun { requests, batch: rows.to_string(), pause }
    }

    fn args(&self) -> [&str; 5] {
        ["push", "invoices", "-", "--batch", &self.batch]
    }

    fn feed(&self) -> Feed {
        let text = |request: &Vec<Version>| request.iter().map(Version::line).collect();
        self.requests.iter().map(|request| (self.pause, text(request))).collect()
    }
}

/// Kills one run. All acknowledged requests must be stored, and at most one other request, whole.
fn check(
    dir: &TestDir,
    push_run: &PushRun,
    kill_after: Duration,
    generator: &mut VersionGenerator,
    invoices: &mut ExpectedInvoices,
) -> bool {
    let killed_run = run(dir, &push_run.args(), push_run.feed(), Some(kill_after));
    let (acknowledged, others) = push_run.requests.split_at(killed_run.acknowledgements.len());
    for (acknowledgement, request) in killed_run.acknowledgements.iter().zip(acknowledged) {
        acknowledge(acknowledgement, request, invoices);
    }
    assert!(
        !killed_run.finished || others.is_empty(),
        "a finished run has not acknowledged every request"
    );
    if generator.rng.bool() {
        let soon = Duration::from_millis(generator.rng.u64(..120));
        run(dir, &["status", "--json"], Vec::new(), Some(soon));
    }
    let found = ExpectedInvoices::stored(dir);
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
    verify(dir);
    write_again(dir, generator, invoices);
    assert_no_leftovers(dir);
    !killed_run.finished
}

/// Kills runs at times that are spread over the duration of a complete run.
fn check_all(pause: Duration) {
    let dir = store();
    let (mut generator, mut invoices) =
        (VersionGenerator::new(seeded_rng()), ExpectedInvoices::default());
    let mut whole = Duration::ZERO;
    let mut killed = 0;
    for round in 0..=rounds() {
        let rows = [1, 3, 10][round as usize % 3];
        let push_run = PushRun::new(&mut generator, rows, pause);
        if round == 0 {
            let killed_run = run(&dir, &push_run.args(), push_run.feed(), None);
            whole = killed_run.duration;
            push_run.requests.iter().flatten().for_each(|version| invoices.apply(version));
            assert_eq!(ExpectedInvoices::stored(&dir), invoices);
            continue;
        }
        let kill_after = kill_time(round - 1, whole, &mut generator.rng);
        killed += u32::from(check(&dir, &push_run, kill_after, &mut generator, &mut invoices));
    }
    assert!(killed > 0, "no run was killed before its end");
}

#[test]
fn killed_slow_push_loses_no_acknowledged_request() {
    check_all(PAUSE);
}

#[test]
fn killed_burst_of_pushes_loses_no_acknowledged_request() {
    check_all(Duration::ZERO);
}
