//! Movements: what changed in a customer's MRR at the close of each day (§5).

use std::collections::{BTreeMap, BTreeSet};

use super::calendar::{Day, OPEN, day_text};
use super::lines::Subscription;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Movement {
    pub date: String,
    pub customer_id: String,
    pub currency: String,
    pub kind: String,
    /// Minor units with 4 decimals.
    pub amount: String,
    pub mrr_after: String,
    /// Dated after as_of.
    pub scheduled: bool,
}

/// The movements of one customer, by date and currency.
pub fn movements(customer_id: &str, subscriptions: &[Subscription], as_of: Day) -> Vec<Movement> {
    let mut rows = Vec::new();
    let mut had_mrr = false;
    let mut before: BTreeMap<&str, i128> = mrr_by_currency(subscriptions, Day::MIN);
    for day in days_of_change(subscriptions) {
        let after = mrr_by_currency(subscriptions, day);
        let (was_paying, is_paying) = (is_any(&before), is_any(&after));
        for (currency, &mrr) in &after {
            let change = mrr - before[currency];
            if change != 0 {
                rows.push(Movement {
                    date: day_text(day),
                    customer_id: customer_id.to_string(),
                    currency: (*currency).to_string(),
                    kind: kind(was_paying, is_paying, had_mrr, change).to_string(),
                    amount: decimal(change),
                    mrr_after: decimal(mrr),
                    scheduled: day > as_of,
                });
            }
        }
        had_mrr |= is_paying;
        before = after;
    }
    rows
}

fn kind(was_paying: bool, is_paying: bool, had_mrr: bool, change: i128) -> &'static str {
    match (was_paying, is_paying) {
        (false, _) if !had_mrr => "new",
        (false, _) => "reactivation",
        (true, false) => "churn",
        (true, true) if change > 0 => "expansion",
        (true, true) => "contraction",
    }
}

fn mrr_by_currency(subscriptions: &[Subscription], day: Day) -> BTreeMap<&str, i128> {
    let mut sums = BTreeMap::new();
    for subscription in subscriptions {
        *sums.entry(subscription.currency.as_str()).or_insert(0) += subscription.mrr_on(day);
    }
    sums
}

fn days_of_change(subscriptions: &[Subscription]) -> BTreeSet<Day> {
    let lines = subscriptions.iter().flat_map(|subscription| &subscription.lines);
    lines.flat_map(|line| [line.from, line.until]).filter(|&day| day != OPEN).collect()
}

fn is_any(mrr: &BTreeMap<&str, i128>) -> bool {
    mrr.values().any(|&mrr| mrr > 0)
}

fn decimal(amount: i128) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    format!("{sign}{}.{:04}", amount.abs() / 10_000, amount.abs() % 10_000)
}
