//! Changes: the group each belongs to, those that stand alone, their rates and untils (§4.7 to
//! §4.9).

use super::calendar::{Day, OPEN};
use super::cancellations::cancelled_on;
use super::charges::Charge;
use super::groups::{Group, grace};
use super::ratio::Ratio;
use super::records::{Invoice, Settings};
use super::untils::{Ending, Span};

/// A change that has a line.
#[derive(Debug, Clone)]
pub struct Change {
    pub charge: Charge,
    pub home: Home,
    pub factor: Ratio,
    /// Rounded; a snap (§4.10) corrects it.
    pub rate: i128,
    pub until: Day,
    /// It runs as far as its group, or it stands alone.
    pub reaches: bool,
    pub ending: Ending,
    /// What a snap took off.
    pub snapped: i128,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// Inside the group at this place.
    Within(usize),
    /// With the group at this place, which starts on the same day.
    SameStart(usize),
    Alone,
    /// It starts on or after its group's end.
    AwaitsRenewal,
    /// A credit dies with what it credited.
    Dropped,
}

impl Change {
    fn new(charge: &Charge, home: Home, factor: Ratio) -> Self {
        let rate = Ratio::whole(charge.amount).times(factor).over(charge.cycle.months()).rounded();
        let (until, ending) = (charge.start, Ending::Undecided);
        Change {
            charge: charge.clone(),
            home,
            factor,
            rate,
            until,
            reaches: false,
            ending,
            snapped: 0,
        }
    }

    /// u: how far the billing system's rounding may have moved the rate (§4.10).
    pub fn uncertainty(&self) -> i128 {
        let twice_months = self.charge.cycle.months().times(Ratio::whole(2));
        self.factor.over(twice_months).rounded_up() + 1
    }
}

/// Where a change belongs (§4.7).
pub fn home(change: &Charge, groups: &[Group]) -> Home {
    for (place, group) in groups.iter().enumerate() {
        if group.is_live() && group.start() < change.start && change.start < group.until {
            return if change.start >= group.end() {
                Home::AwaitsRenewal
            } else {
                Home::Within(place)
            };
        }
    }
    let same_day = groups.iter().position(|group| group.is_live() && group.start() == change.start);
    match same_day {
        Some(place) if change.amount > 0 => Home::SameStart(place),
        Some(place) if change.amount < 0 && change.end == groups[place].end() => {
            Home::SameStart(place)
        }
        None if change.amount > 0 => Home::Alone,
        _ => Home::Dropped,
    }
}

/// The changes inside the groups (§4.8).
pub fn changes_in_groups(charges: &[Charge], groups: &[Group]) -> Vec<Change> {
    let mut changes = Vec::new();
    for charge in charges {
        let home = home(charge, groups);
        if let Home::Within(place) | Home::SameStart(place) = home {
            changes.push(change_in_group(charge, home, &groups[place]));
        }
    }
    changes
}

fn change_in_group(charge: &Charge, home: Home, group: &Group) -> Change {
    let factor = if charge.cycle == group.cycle() {
        let group_days = i128::from(group.end() - group.start());
        Ratio::new(group_days, i128::from(group.prepaid_cycles()) * charge.days())
    } else {
        own_factor(charge)
    };
    let reaches = charge.end >= group.end();
    let until = if reaches { group.until } else { charge.end.min(group.until) };
    Change { until, reaches, ending: group.ending, ..Change::new(charge, home, factor) }
}

/// (end − (end ⊖ cycle)) ÷ own length
fn own_factor(charge: &Charge) -> Ratio {
    Ratio::new(charge.last_cycle_days(), charge.days())
}

/// The changes that stand alone (§4.9).
pub fn changes_alone(
    charges: &[Charge],
    groups: &[Group],
    cancellations: &[&Invoice],
    settings: &Settings,
    as_of: Day,
) -> Vec<Change> {
    let alone: Vec<&Charge> =
        charges.iter().filter(|charge| home(charge, groups) == Home::Alone).collect();
    let mut changes = Vec::new();
    for charge in &alone {
        let next = next_start(charge, &alone, groups);
        let (until, ending) = span_alone(charge, next, cancellations, settings).until(next, as_of);
        let change = Change::new(charge, Home::Alone, own_factor(charge));
        changes.push(Change { until, ending, reaches: true, ..change });
    }
    changes
}

/// n: the first group start after its start, or the first start of an alone change at or after its
/// end, if earlier.
fn next_start(charge: &Charge, alone: &[&Charge], groups: &[Group]) -> Option<Day> {
    let group_starts = groups.iter().filter(|group| group.is_live()).map(Group::start);
    let alone_starts = alone.iter().map(|other| other.start);
    let next_group = group_starts.filter(|&start| start > charge.start);
    let next_alone = alone_starts.filter(|&start| start >= charge.end);
    next_group.chain(next_alone).min()
}

fn span_alone(
    charge: &Charge,
    next: Option<Day>,
    cancellations: &[&Invoice],
    settings: &Settings,
) -> Span {
    let grace = grace(settings.grace_days, &[charge.cycle], charge.last_cycle_days());
    let mut span = Span::new(charge.start, charge.end, grace);
    for cancellation in cancellations {
        let (at, day) = (cancellation.invoice_date.at, cancellation.invoice_date.day);
        let is_later = day > charge.start || at > charge.issued_at;
        if !is_later || day >= next.unwrap_or(OPEN) {
            continue;
        }
        let cancelled_on = cancelled_on(cancellation, charge.end, settings);
        span.settle(cancelled_on);
        if charge.end > cancelled_on {
            span.cut(cancelled_on);
        }
    }
    span
}
