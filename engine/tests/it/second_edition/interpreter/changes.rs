//! Changes: prorations under `prorations = add` (§4.7 to §4.9).

use super::calendar::{Day, Zone};
use super::cancellations::{Cancellations, Marks, Standing};
use super::groups::days_of;
use super::periods::{Charge, Length, Measure, months, quotient};
use super::ratio::Ratio;
use super::settings::Settings;
use super::tracks::Subscription;
use super::untils::{Ending, Live, Question, Until, first_from, grace_and_wait, until};

/// The rate of a change and how uncertain the billing system's rounding makes it (§4.10).
#[derive(Clone, Copy, Debug)]
pub struct ChangeRate {
    pub rate: i128,
    pub uncertainty: i128,
}

/// A change with its line.
#[derive(Clone, Debug)]
pub struct Change {
    pub charge: Charge,
    /// The live group it belongs to, by its index; a change alone has none.
    pub group: Option<usize>,
    /// A change in a group reaches the group's end.
    pub reaches: bool,
    pub until: Until,
    pub rate: i128,
    pub by_times_of_day: ChangeRate,
    pub by_whole_days: ChangeRate,
}

/// Where a change belongs (§4.7).
enum Place {
    Group(usize),
    Alone,
    Dropped,
}

fn place(change: &Charge, live: &[Live]) -> Place {
    let runs = |live: &Live| live.group.start < change.start && live.until.is_after(change.start);
    if let Some(index) = live.iter().position(runs) {
        let is_awaited = change.start >= live[index].group.end;
        return if is_awaited { Place::Dropped } else { Place::Group(index) };
    }
    let fits = |live: &Live| {
        live.group.start == change.start && (change.amount > 0 || change.end == live.group.end)
    };
    match live.iter().position(fits) {
        Some(index) => Place::Group(index),
        None if change.amount > 0 => Place::Alone,
        None => Place::Dropped,
    }
}

/// What the changes of one subscription depend on.
pub struct Surroundings<'a> {
    pub subscription: &'a Subscription,
    pub standing: &'a [Standing],
    pub live: &'a [Live],
    /// Starts of groups that are not void of the same subscription id in other currencies.
    pub other_currencies: &'a [Day],
    pub cancellations: &'a Cancellations<'a>,
    pub as_of: Day,
    pub settings: &'a Settings,
}

/// The changes of one subscription that have a line.
pub fn changes(charges: &[Charge], around: &Surroundings<'_>) -> Vec<Change> {
    let zone = around.settings.timezone;
    let mut alone = Vec::new();
    let mut changes = Vec::new();
    for charge in charges {
        match place(charge, around.live) {
            Place::Group(index) => {
                changes.push(in_group(charge, index, &around.live[index], zone));
            }
            Place::Alone => alone.push(charge),
            Place::Dropped => {}
        }
    }
    for charge in &alone {
        let until = until_of_alone(charge, &alone, around);
        if until.is_after(charge.start) {
            let rate = |measure| change_rate(charge, charge.own_factor(zone, measure));
            changes.push(change(charge, None, false, until, rate));
        }
    }
    changes
}

fn change(
    charge: &Charge,
    group: Option<usize>,
    reaches: bool,
    until: Until,
    rate: impl Fn(Measure) -> ChangeRate,
) -> Change {
    let by_times_of_day = rate(Measure::ByTimesOfDay);
    Change {
        charge: charge.clone(),
        group,
        reaches,
        until,
        rate: by_times_of_day.rate,
        by_times_of_day,
        by_whole_days: rate(Measure::WholeDays),
    }
}

/// A change in a group (§4.8).
fn in_group(charge: &Charge, index: usize, live: &Live, zone: Zone) -> Change {
    let last = live.group.last();
    let is_same_cycle = charge.plan.cycle == last.charge.plan.cycle;
    let factor = |measure| {
        if is_same_cycle {
            let length: Length = last.charge.own_length();
            let whole = quotient(&length, &charge.own_length(), measure);
            whole.over(Ratio::whole(last.cycles.into()))
        } else {
            charge.own_factor(zone, measure)
        }
    };
    assert!(days_of(&live.group) > 0, "a group ends after it starts");
    let reaches = charge.end >= live.group.end;
    let ends_first = !reaches && live.until.is_after(charge.end);
    let own_end = Until { day: Some(charge.end), ending: Ending::ProrationEnded };
    let until = if ends_first { own_end } else { live.until };
    change(charge, Some(index), reaches, until, |measure| change_rate(charge, factor(measure)))
}

/// Rate = amount × factor ÷ M (§4.8); u = factor ÷ (2 × M), rounded up, plus 0.0001 (§4.10).
fn change_rate(charge: &Charge, factor: Ratio) -> ChangeRate {
    let months = months(charge.plan.cycle);
    let rate = Ratio::whole(charge.amount.into()).times(factor).over(months);
    let uncertainty = factor.over(months.times(Ratio::whole(2)));
    ChangeRate { rate: rate.rounded(), uncertainty: uncertainty.rounded_up() + 1 }
}

/// The until of a change alone (§4.9). `alone` are all changes alone of the subscription.
fn until_of_alone(charge: &Charge, alone: &[&Charge], around: &Surroundings<'_>) -> Until {
    let groups = around.standing.iter().map(|standing| standing.group.start);
    let group = groups.filter(|start| *start > charge.start).min();
    let later = alone.iter().map(|other| other.start).filter(|start| *start >= charge.end).min();
    let next = group.into_iter().chain(later).min();
    let marks: Marks = around.cancellations.marks_of_alone(around.subscription, charge, next);
    let cycle = charge.plan.cycle;
    let issued_on = charge.invoice.invoice_date.day;
    let averages = [cycle].into_iter();
    let (grace, wait) = grace_and_wait(averages, cycle, 1, charge.end, issued_on, around.settings);
    let other_currency = first_from(around.other_currencies, charge.end).filter(|_| next.is_none());
    let question = Question {
        start: charge.start,
        end: charge.end,
        next,
        other_currency,
        marks: &marks,
        grace,
        wait,
    };
    until(&question, around.as_of, around.settings)
}
