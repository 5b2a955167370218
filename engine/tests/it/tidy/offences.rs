//! A place that breaks a rule, and the debt of places that still do.

use std::collections::BTreeMap;

use super::exceptions::is_excused;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Offence {
    pub(super) path: String,
    line: usize,
    pub(super) rule: &'static str,
    pub(super) found: String,
    remedy: &'static str,
}

impl Offence {
    pub(super) fn new(
        path: &str,
        line: usize,
        rule: &'static str,
        found: String,
        remedy: &'static str,
    ) -> Offence {
        Offence { path: path.to_string(), line, rule, found, remedy }
    }

    pub(super) fn of_file(
        path: &str,
        rule: &'static str,
        found: String,
        remedy: &'static str,
    ) -> Offence {
        Offence::new(path, 0, rule, found, remedy)
    }

    fn place(&self) -> String {
        match self.line {
            0 => self.path.clone(),
            line => format!("{}:{line}", self.path),
        }
    }

    /// The first folder of the path: the crate, or a folder beside the crates.
    fn area(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }
}

/// Lines `rule area count`: how many offences are left. A count may only fall.
const DEBT: &str = include_str!("debt.txt");

fn debt(rule: &str, area: &str) -> usize {
    let line = DEBT.lines().find_map(|line| line.strip_prefix(&format!("{rule} {area} ")));
    line.map_or(0, |count| count.parse().unwrap())
}

/// Fails if an area has more offences than its debt, and prints each of them with its remedy.
pub(super) fn check(rule: &'static str, offences: Vec<Offence>) {
    let mut areas: BTreeMap<String, Vec<Offence>> = BTreeMap::new();
    for offence in offences.into_iter().filter(|offence| !is_excused(offence)) {
        assert_eq!(offence.rule, rule);
        areas.entry(offence.area().to_string()).or_default().push(offence);
    }
    let mut report = String::new();
    for (area, offences) in &mut areas {
        offences.sort();
        let (count, debt) = (offences.len(), debt(rule, area));
        println!("{rule} {area} {count}");
        if count > debt {
            report.push_str(&format!("\n{area}: {count} places, {debt} may be left\n"));
            for offence in offences {
                let Offence { found, remedy, .. } = &offence;
                report.push_str(&format!("{}: {found}\n    {remedy}\n", offence.place()));
            }
        }
    }
    assert!(report.is_empty(), "the rule \"{rule}\" is broken:\n{report}");
}
