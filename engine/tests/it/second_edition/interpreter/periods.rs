//! Start and end of subscription invoices (§3.2), prepaid cycles (§3.4) and lengths (§3.5).

use std::collections::{BTreeMap, BTreeSet};

use super::calendar::{
    Cycle, Day, Interval, MICROSECONDS_OF_DAY, Moment, Zone, average_cycle_micro_days,
    days_between, last_day, plus_days,
};
use super::ratio::Ratio;
use super::records::{Invoice, Kind, Plan};

/// A subscription invoice that counts (§4), with its plan and its period.
#[derive(Clone, Debug)]
pub struct Charge {
    pub invoice: Invoice,
    pub plan: Plan,
    /// The amount that the setting `discounts` gives.
    pub amount: i64,
    pub start: Day,
    pub end: Day,
    pub start_at: Moment,
    pub end_at: Moment,
}

impl Charge {
    /// The order of "the last" in §4.2 and §4.3.
    pub fn order(&self) -> (i64, i64, &str) {
        (self.start_at.instant, self.invoice.invoice_date.instant, &self.invoice.id)
    }

    /// The order of §4 a.
    pub fn issue_order(&self) -> (i64, &str) {
        (self.invoice.invoice_date.instant, &self.invoice.id)
    }

    /// The *period* of §4 a: start instant and end day.
    pub fn period(&self) -> (i64, Day) {
        (self.start_at.instant, self.end)
    }

    /// start ⊕ one cycle of its plan ≤ end (§4.1).
    pub fn is_full_length(&self) -> bool {
        self.plan.cycle.after(self.start, 1) <= self.end
    }

    pub fn own_length(&self) -> Length {
        let days = days_between(self.start, self.end);
        Length { from: self.start_at, to: self.end_at, days }
    }

    /// end − (end ⊖ one cycle of its plan).
    pub fn last_cycle(&self, zone: Zone) -> Length {
        let cycle = self.plan.cycle;
        let from = zone.same_time_on(self.end_at, cycle.after(self.end_at.day, -1));
        let days = days_between(cycle.after(self.end, -1), self.end);
        Length { from, to: self.end_at, days }
    }

    /// Last cycle ÷ own length (§3.5).
    pub fn own_factor(&self, zone: Zone, measure: Measure) -> Ratio {
        quotient(&self.last_cycle(zone), &self.own_length(), measure)
    }
}

/// One of the two lengths of a factor (§3.5).
#[derive(Clone, Copy, Debug)]
pub struct Length {
    from: Moment,
    to: Moment,
    days: i64,
}

/// How a factor measures its lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Whole days if all starts and ends of both lengths are at midnight, else elapsed time.
    ByTimesOfDay,
    /// Whole days, whatever the times of day (§4.10).
    WholeDays,
}

pub fn quotient(left: &Length, right: &Length, measure: Measure) -> Ratio {
    let moments = [left.from, left.to, right.from, right.to];
    let is_whole = measure == Measure::WholeDays || moments.iter().all(|m| m.is_midnight);
    let size = |length: &Length| {
        if is_whole {
            if length.days > 0 { length.days } else { 1 }
        } else {
            let elapsed = length.to.instant - length.from.instant;
            if elapsed > 0 { elapsed } else { MICROSECONDS_OF_DAY }
        }
    };
    Ratio::new(size(left).into(), size(right).into())
}

/// The months of a cycle, M (§3.3).
pub fn months(cycle: Cycle) -> Ratio {
    let count = i128::from(cycle.count);
    match cycle.interval {
        Interval::Day => Ratio::new(12 * count, 365),
        Interval::Week => Ratio::new(12 * count, 52),
        Interval::Month => Ratio::whole(count),
        Interval::Year => Ratio::whole(12 * count),
    }
}

/// The prepaid cycles, k (§3.4).
pub fn prepaid_cycles(charge: &Charge) -> i64 {
    let cycle = charge.plan.cycle;
    let length = i128::from(days_between(charge.start, charge.end)) * 1_000_000;
    let average = i128::from(average_cycle_micro_days(cycle));
    // The floor of x + 1/2 is the nearest whole number, and half rounds up.
    let nearest = Ratio::new(2 * length + average, 2 * average).floor().max(1);
    let nearest = i64::try_from(nearest).expect("a period has less than 4 million days");
    let is_near = days_between(cycle.after(charge.start, nearest), charge.end).abs() <= 3;
    if is_near { nearest } else { 1 }
}

/// Drops a `period_end` that is a placeholder (§3.2).
pub fn without_placeholder(mut invoice: Invoice) -> Invoice {
    let limit = Cycle::new(Interval::Year, 20).after(invoice.start_moment().day, 1);
    invoice.period_end = invoice.period_end.filter(|end| end.day <= limit);
    invoice
}

/// Whether a subscription invoice counts at all (§4): its plan is known, it does not start on
/// the last day of the calendar, and a proration has both period dates.
pub fn counts(invoice: &Invoice, plans: &BTreeMap<String, Plan>) -> bool {
    let is_dated = invoice.period_start.is_some() && invoice.period_end.is_some();
    invoice.kind == Kind::Subscription
        && invoice.plan_id.as_ref().is_some_and(|id| plans.contains_key(id))
        && invoice.start_moment().day != last_day()
        && (is_dated || !invoice.is_proration)
}

/// The inclusive ends of one customer (§3.2).
#[derive(Clone, Debug, Default)]
pub struct InclusiveEnds {
    /// Per subscription id whose ends at midnight are inclusive: the days of those ends that are
    /// not a proration's.
    days: BTreeMap<Option<String>, BTreeSet<Day>>,
}

impl InclusiveEnds {
    /// `counting` are all subscription invoices of the customer that count.
    pub fn of_customer(counting: &[(Invoice, Plan)]) -> InclusiveEnds {
        let mut by_id: BTreeMap<_, Vec<&(Invoice, Plan)>> = BTreeMap::new();
        for entry in counting.iter().filter(|(invoice, _)| !invoice.is_proration) {
            by_id.entry(entry.0.subscription_id.clone()).or_default().push(entry);
        }
        by_id.retain(|_, entries| are_inclusive(entries));
        let days_of = |entries: Vec<&(Invoice, Plan)>| {
            entries.iter().filter_map(|(invoice, _)| midnight_end(invoice)).collect()
        };
        let days = by_id.into_iter().map(|(id, entries)| (id, days_of(entries))).collect();
        InclusiveEnds { days }
    }

    /// The exclusive end that the `period_end` of a subscription invoice means, before the
    /// correction of an end that is not after its start.
    fn end_of_charge(&self, invoice: &Invoice, period_end: Moment) -> Day {
        let is_inclusive = self.days.contains_key(&invoice.subscription_id);
        moved(period_end, is_inclusive && period_end.is_midnight)
    }

    /// The exclusive end that the `period_end` of a cancellation means for a subscription id.
    pub fn end_of_cancellation(&self, id: &Option<String>, period_end: Moment) -> Day {
        let is_end = self.days.get(id).is_some_and(|days| days.contains(&period_end.day));
        moved(period_end, is_end && period_end.is_midnight)
    }
}

fn moved(period_end: Moment, is_inclusive: bool) -> Day {
    let days = if period_end.is_last_minute() || is_inclusive { 1 } else { 0 };
    plus_days(period_end.day, days)
}

fn midnight_end(invoice: &Invoice) -> Option<Day> {
    invoice.period_end.filter(|end| end.is_midnight).map(|end| end.day)
}

/// Whether the ends at midnight of one subscription id are inclusive. `entries` are its
/// subscription invoices, prorations left out, in all currencies.
fn are_inclusive(entries: &[&(Invoice, Plan)]) -> bool {
    let start = |index: usize| entries[index].0.start_moment().day;
    let another_starts_on = |index: usize, day: Day| {
        (0..entries.len()).any(|other| other != index && start(other) == day)
    };
    let is_proof = |index: usize| {
        let (invoice, plan) = &entries[index];
        let Some(end) = midnight_end(invoice) else { return false };
        let is_bare = invoice.period_end.is_some_and(|end| end.is_bare);
        let next = plus_days(end, 1);
        looks_inclusive(start(index), next, plan.cycle)
            && (is_bare || another_starts_on(index, next))
    };
    let is_disproof = |index: usize| {
        midnight_end(&entries[index].0).is_some_and(|end| another_starts_on(index, end))
    };
    (0..entries.len()).any(is_proof) && !(0..entries.len()).any(is_disproof)
}

/// `next` is `start` ⊕ n cycles for an n ≥ 1, and the plan is not by days.
fn looks_inclusive(start: Day, next: Day, cycle: Cycle) -> bool {
    let first_not_before = (1..).map(|n| cycle.after(start, n)).find(|day| *day >= next);
    cycle.interval != Interval::Day && first_not_before == Some(next)
}

/// Gives a subscription invoice its period (§3.2, §3.5).
pub fn charge(
    invoice: Invoice,
    plan: Plan,
    inclusive: &InclusiveEnds,
    is_gross: bool,
    zone: Zone,
) -> Charge {
    let start_at = invoice.start_moment();
    let start = start_at.day;
    let end = match invoice.period_end {
        Some(period_end) => inclusive.end_of_charge(&invoice, period_end),
        None => plan.cycle.after(start, 1),
    };
    let corrected = if end <= start { plus_days(start, 1) } else { end };
    let end_at = match invoice.period_end {
        Some(period_end) if end != period_end.day => zone.midnight(end),
        Some(period_end) => period_end,
        None => zone.same_time_on(start_at, corrected),
    };
    let amount = invoice.amount + if is_gross { invoice.discount } else { 0 };
    Charge { invoice, plan, amount, start, end: corrected, start_at, end_at }
}
