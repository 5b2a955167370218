//! The subscriptions of one customer and their lines: the rules of §4 one after the other.

use std::collections::BTreeSet;

use super::calendar::Day;
use super::cancellations::end_groups;
use super::changes::{Change, changes_alone, changes_in_groups};
use super::charges::{Charge, regulars_and_changes};
use super::groups::{Group, groups};
use super::records::{Book, Invoice, InvoiceKind};
use super::refunds::{refund_line, target};
use super::snaps::snap;

/// One subscription of one customer in one currency.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// Empty for the implicit one.
    pub id: String,
    pub currency: String,
    pub charges: Vec<Charge>,
    pub groups: Vec<Group>,
    pub changes: Vec<Change>,
    pub lines: Vec<Line>,
}

/// A rate over [from, until).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub from: Day,
    pub until: Day,
    /// In ten-thousandths of a minor unit.
    pub rate: i128,
}

impl Subscription {
    /// The MRR at the close of a day; a sum below 0.01 counts as 0.
    pub fn mrr_on(&self, day: Day) -> i128 {
        let running = self.lines.iter().filter(|line| line.from <= day && day < line.until);
        let sum: i128 = running.map(|line| line.rate).sum();
        if sum < 100 { 0 } else { sum }
    }
}

/// The subscriptions of a customer, in the order of (id, currency).
pub fn subscriptions(book: &Book, customer_id: &str) -> Vec<Subscription> {
    let mut subscriptions: Vec<Subscription> = Vec::new();
    for (id, currency) in subscription_keys(book, customer_id) {
        subscriptions.push(subscription(book, customer_id, id, currency));
    }
    if book.settings.refunds_reduce {
        for refund in invoices_of(book, customer_id, InvoiceKind::Refund) {
            let hit = target(refund, &subscriptions);
            let line =
                hit.and_then(|hit| Some((hit.subscription, refund_line(refund, hit.group)?)));
            if let Some((place, line)) = line {
                subscriptions[place].lines.push(line);
            }
        }
    }
    subscriptions
}

pub fn invoices_of<'a>(
    book: &'a Book,
    customer_id: &'a str,
    kind: InvoiceKind,
) -> impl Iterator<Item = &'a Invoice> {
    book.invoices
        .values()
        .filter(move |invoice| invoice.customer_id == customer_id && invoice.kind == kind)
}

/// Only subscription invoices make a subscription.
fn subscription_keys<'a>(book: &'a Book, customer_id: &'a str) -> BTreeSet<(&'a str, &'a str)> {
    invoices_of(book, customer_id, InvoiceKind::Subscription)
        .map(|invoice| (invoice.subscription_id.as_str(), invoice.currency.as_str()))
        .collect()
}

fn subscription(book: &Book, customer_id: &str, id: &str, currency: &str) -> Subscription {
    let settings = &book.settings;
    let charges = charges(book, customer_id, id, currency);
    let cancellations: Vec<&Invoice> = invoices_of(book, customer_id, InvoiceKind::Cancellation)
        .filter(|cancellation| {
            cancellation.subscription_id.is_empty() || cancellation.subscription_id == id
        })
        .collect();
    let (regulars, prorations) = regulars_and_changes(&charges, settings.prorations);
    let mut groups = groups(regulars, settings.grace_days);
    end_groups(&mut groups, &cancellations, settings, book.as_of);
    let mut changes = changes_in_groups(&prorations, &groups);
    changes.extend(changes_alone(&prorations, &groups, &cancellations, settings, book.as_of));
    snap(&mut changes, &groups);
    let lines = lines(&groups, &changes);
    Subscription {
        id: id.to_string(),
        currency: currency.to_string(),
        charges,
        groups,
        changes,
        lines,
    }
}

fn charges(book: &Book, customer_id: &str, id: &str, currency: &str) -> Vec<Charge> {
    let mut charges = Vec::new();
    for invoice in invoices_of(book, customer_id, InvoiceKind::Subscription) {
        let belongs = invoice.subscription_id == id && invoice.currency == currency;
        if let Some(&cycle) = book.plans.get(&invoice.plan_id).filter(|_| belongs) {
            charges.push(Charge::new(invoice, cycle, &book.settings));
        }
    }
    charges
}

fn lines(groups: &[Group], changes: &[Change]) -> Vec<Line> {
    let live = groups.iter().filter(|group| group.is_live());
    let of_groups =
        live.map(|group| Line { from: group.start(), until: group.until, rate: group.rate });
    let with_days = changes.iter().filter(|change| change.until > change.charge.start);
    let of_changes = with_days.map(|change| Line {
        from: change.charge.start,
        until: change.until,
        rate: change.rate,
    });
    of_groups.chain(of_changes).collect()
}
