//! Lines: rates over [from, until) (§4), and the MRR of a day.

use std::collections::BTreeMap;

use super::calendar::Day;
use super::changes::Change;
use super::tracks::Subscription;
use super::untils::{Live, Until};

#[derive(Clone, Debug)]
pub struct Line {
    pub subscription: Subscription,
    pub from: Day,
    pub until: Until,
    /// In 0.0001 of the minor unit.
    pub rate: i128,
    /// The invoice or refund whose line it is.
    pub invoice_id: String,
}

/// A subscription's sum below 0.01 counts as 0 (§4); in 0.0001 of the minor unit.
const SMALLEST_MRR: i128 = 100;

/// The MRR of a customer in each currency at the close of a day; a currency without MRR is absent.
pub fn mrr_on(day: Day, lines: &[Line]) -> BTreeMap<String, i128> {
    let mut sums: BTreeMap<&Subscription, i128> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.from <= day && line.until.is_after(day)) {
        *sums.entry(&line.subscription).or_default() += line.rate;
    }
    let mut mrr: BTreeMap<String, i128> = BTreeMap::new();
    for (subscription, sum) in sums {
        if sum >= SMALLEST_MRR {
            *mrr.entry(subscription.currency.clone()).or_default() += sum;
        }
    }
    mrr
}

/// The lines of the live groups of one subscription: one for each counting invoice. What a stub
/// gets from another group stands on its last counting invoice's line (§4.6).
pub fn lines_of_groups(subscription: &Subscription, live: &[Live]) -> Vec<Line> {
    let mut lines = Vec::new();
    for of in live {
        let last = of.group.counting.len() - 1;
        for (index, regular) in of.group.counting.iter().enumerate() {
            let credit = if index == last { of.rate - of.group.rate() } else { 0 };
            lines.push(Line {
                subscription: subscription.clone(),
                from: of.group.start,
                until: of.until,
                rate: regular.rate + credit,
                invoice_id: regular.charge.invoice.id.clone(),
            });
        }
    }
    lines
}

/// The lines of the changes of one subscription.
pub fn lines_of_changes(subscription: &Subscription, changes: &[Change]) -> Vec<Line> {
    let line = |change: &Change| Line {
        subscription: subscription.clone(),
        from: change.charge.start,
        until: change.until,
        rate: change.rate,
        invoice_id: change.charge.invoice.id.clone(),
    };
    changes.iter().map(line).collect()
}
