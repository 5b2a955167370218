//! Subscription invoices with a known plan, and which of them are regular, which are changes (§3.2,
//! §3.4, §4.1, §4.11).

use super::calendar::{Cycle, Day};
use super::ratio::Ratio;
use super::records::{Invoice, Prorations, Settings};

/// A subscription invoice on a known plan, in local days.
#[derive(Debug, Clone)]
pub struct Charge {
    pub id: String,
    pub plan_id: String,
    pub cycle: Cycle,
    /// With the discount added back under `gross`.
    pub amount: i128,
    /// As invoiced: the divisor of rule 12.
    pub amount_charged: i128,
    pub is_proration: bool,
    pub has_both_dates: bool,
    pub start: Day,
    /// Exclusive.
    pub end: Day,
    /// The instant of `period_start`, else of `invoice_date`.
    pub start_at: i64,
    pub issued_at: i64,
}

/// A regular invoice, and its rate before rounding.
#[derive(Debug, Clone)]
pub struct Regular {
    pub charge: Charge,
    pub prepaid_cycles: i64,
    pub rate: Ratio,
    /// A change made regular by `prorations = replace`.
    pub is_restated: bool,
}

impl Charge {
    pub fn new(invoice: &Invoice, cycle: Cycle, settings: &Settings) -> Self {
        let started = invoice.period_start.unwrap_or(invoice.invoice_date);
        let start = started.day;
        let stated_end = invoice.period_end.map_or(cycle.after(start, 1), |end| end.end_day());
        let discount = if settings.discounts_gross { invoice.discount } else { 0 };
        Charge {
            id: invoice.id.clone(),
            plan_id: invoice.plan_id.clone(),
            cycle,
            amount: invoice.amount + discount,
            amount_charged: invoice.amount,
            is_proration: invoice.is_proration,
            has_both_dates: invoice.period_start.is_some() && invoice.period_end.is_some(),
            start,
            end: if stated_end <= start { start + 1 } else { stated_end },
            start_at: started.at,
            issued_at: invoice.invoice_date.at,
        }
    }

    /// (period_start, invoice_date, id): the later one wins.
    pub fn rank(&self) -> (i64, i64, &str) {
        (self.start_at, self.issued_at, &self.id)
    }

    pub fn days(&self) -> i128 {
        i128::from(self.end - self.start)
    }

    /// end − (end ⊖ cycle)
    pub fn last_cycle_days(&self) -> i128 {
        i128::from(self.end - self.cycle.before(self.end))
    }

    fn is_full_length(&self) -> bool {
        self.cycle.after(self.start, 1) <= self.end || self.cycle.before(self.end) >= self.start
    }

    fn contains(&self, other: &Charge) -> bool {
        self.start <= other.start && self.end >= other.end
    }

    /// Prepaid cycles k (§3.4).
    fn prepaid_cycles(&self) -> i64 {
        let nearest = Ratio::whole(self.days()).over(self.cycle.average_days()).nearest_whole();
        let cycles = i64::try_from(nearest.max(1)).expect("days are few");
        if (self.cycle.after(self.start, cycles) - self.end).abs() <= 3 { cycles } else { 1 }
    }
}

/// The regular invoices of one subscription, and its changes as far as the settings let them have
/// lines.
pub fn regulars_and_changes(
    charges: &[Charge],
    prorations: Prorations,
) -> (Vec<Regular>, Vec<Charge>) {
    let invoices: Vec<&Charge> = charges.iter().filter(|charge| !charge.is_proration).collect();
    let mut regulars: Vec<Regular> = Vec::new();
    let mut changes: Vec<Charge> = Vec::new();
    for charge in charges {
        if charge.is_proration && !charge.has_both_dates {
            continue;
        }
        if !charge.is_proration || stands_for_itself(charge, &invoices) {
            regulars.push(regular(charge));
            continue;
        }
        match prorations {
            Prorations::Add => changes.push(charge.clone()),
            Prorations::Replace if charge.amount >= 0 => regulars.push(restated(charge)),
            Prorations::Replace | Prorations::Ignore => {}
        }
    }
    (regulars, changes)
}

/// A full-length proration that no invoice contains (§4.1).
fn stands_for_itself(proration: &Charge, invoices: &[&Charge]) -> bool {
    let is_contained = invoices.iter().any(|invoice| invoice.contains(proration));
    proration.is_full_length() && proration.amount >= 0 && !is_contained
}

/// amount ÷ (M × k) (§4.2)
fn regular(charge: &Charge) -> Regular {
    let prepaid_cycles = charge.prepaid_cycles();
    let months = charge.cycle.months().times(Ratio::whole(i128::from(prepaid_cycles)));
    let rate = Ratio::whole(charge.amount).over(months);
    Regular { charge: charge.clone(), prepaid_cycles, rate, is_restated: false }
}

/// amount × (end − (end ⊖ cycle)) ÷ own length ÷ M, and k = 1 (§4.11)
fn restated(charge: &Charge) -> Regular {
    let factor = Ratio::new(charge.last_cycle_days(), charge.days());
    let rate = Ratio::whole(charge.amount).times(factor).over(charge.cycle.months());
    Regular { charge: charge.clone(), prepaid_cycles: 1, rate, is_restated: true }
}
