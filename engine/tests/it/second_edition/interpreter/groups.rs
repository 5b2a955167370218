//! Regular invoices, changes, and groups of regular invoices with one period (§4.1 to §4.3).

use super::calendar::{Day, Zone, days_between};
use super::periods::{Charge, Measure, months, prepaid_cycles};
use super::ratio::Ratio;
use super::settings::{Prorations, Settings};

/// A regular invoice with its rate.
#[derive(Clone, Debug)]
pub struct Regular {
    pub charge: Charge,
    pub cycles: i64,
    /// The rate before rounding.
    pub exact_rate: Ratio,
    pub rate: i128,
}

/// Regular invoices with the same period, of which some count.
#[derive(Clone, Debug)]
pub struct Group {
    pub start: Day,
    pub end: Day,
    /// In the order of "the last"; never empty.
    pub counting: Vec<Regular>,
    pub issued_at: i64,
    /// The day of the issue instant.
    pub issued_on: Day,
}

impl Group {
    /// The last counting invoice: it gives the group's k, plan and instants.
    pub fn last(&self) -> &Regular {
        self.counting.last().expect("a group has a counting invoice")
    }

    pub fn rate(&self) -> i128 {
        self.counting.iter().map(|regular| regular.rate).sum()
    }

    pub fn counts_plan(&self, plan_id: &str) -> bool {
        self.counting.iter().any(|regular| regular.charge.plan.id == plan_id)
    }
}

/// The invoices of one subscription: regular ones and changes.
#[derive(Clone, Debug, Default)]
pub struct Sorted {
    pub regular: Vec<Regular>,
    pub changes: Vec<Charge>,
}

/// Sorts the invoices of one subscription (§4.1), as `prorations` says (§4.11).
pub fn sort_charges(charges: &[Charge], settings: &Settings) -> Sorted {
    let mut sorted = Sorted::default();
    for charge in charges {
        if is_regular(charge, charges) {
            sorted.regular.push(regular(charge));
            continue;
        }
        match settings.prorations {
            Prorations::Add => sorted.changes.push(charge.clone()),
            Prorations::Replace if charge.amount >= 0 => {
                sorted.regular.push(replacement(charge, settings.timezone));
            }
            Prorations::Replace | Prorations::Ignore => {}
        }
    }
    sorted
}

fn is_regular(charge: &Charge, charges: &[Charge]) -> bool {
    let contains = |other: &Charge| {
        !other.invoice.is_proration && other.start <= charge.start && other.end >= charge.end
    };
    !charge.invoice.is_proration
        || (charge.is_full_length() && charge.amount >= 0 && !charges.iter().any(contains))
}

/// Rate = amount ÷ (M × k) (§4.2).
fn regular(charge: &Charge) -> Regular {
    let cycles = prepaid_cycles(charge);
    let paid_months = months(charge.plan.cycle).times(Ratio::whole(cycles.into()));
    let exact_rate = Ratio::whole(charge.amount.into()).over(paid_months);
    Regular { charge: charge.clone(), cycles, exact_rate, rate: exact_rate.rounded() }
}

/// A change under `replace`: rate = amount × own factor ÷ M, and k = 1 (§4.11).
fn replacement(charge: &Charge, zone: Zone) -> Regular {
    let exact_rate = Ratio::whole(charge.amount.into())
        .times(charge.own_factor(zone, Measure::ByTimesOfDay))
        .over(months(charge.plan.cycle));
    Regular { charge: charge.clone(), cycles: 1, exact_rate, rate: exact_rate.rounded() }
}

/// The groups of one subscription, in their order (§4.2, §4.3).
pub fn groups(regular: &[Regular], settings: &Settings) -> Vec<Group> {
    let mut ordered: Vec<Regular> = regular.to_vec();
    ordered.sort_by(|left, right| left.charge.order().cmp(&right.charge.order()));
    let mut periods: Vec<Vec<Regular>> = Vec::new();
    for regular in ordered {
        let same = periods.iter_mut().find(|p| p[0].charge.period() == regular.charge.period());
        match same {
            Some(period) => period.push(regular),
            None => periods.push(vec![regular]),
        }
    }
    // Each period's last invoice is its greatest.
    periods.sort_by(|left, right| group_order(left).cmp(&group_order(right)));
    periods.into_iter().map(|period| group(period, settings)).collect()
}

fn group_order(period: &[Regular]) -> (Day, (i64, i64, &str)) {
    let last = &period.last().expect("a period has an invoice").charge;
    (last.start, last.order())
}

fn group(period: Vec<Regular>, settings: &Settings) -> Group {
    let is_followed = |index: usize| {
        let plan = |regular: &Regular| regular.charge.plan.id.clone();
        period[index + 1..].iter().any(|later| plan(later) == plan(&period[index]))
    };
    let counting: Vec<Regular> = (0..period.len())
        .filter(|index| !settings.same_period_replaces || !is_followed(*index))
        .map(|index| period[index].clone())
        .collect();
    let issued = counting
        .iter()
        .map(|regular| regular.charge.invoice.invoice_date)
        .min_by_key(|date| date.instant)
        .expect("a group has a counting invoice");
    let (start, end) = (counting[0].charge.start, counting[0].charge.end);
    Group { start, end, counting, issued_at: issued.instant, issued_on: issued.day }
}

/// Days from the group's start to its end.
pub fn days_of(group: &Group) -> i64 {
    days_between(group.start, group.end)
}
