//! Credit and re-bill (§4 a): a wrong invoice and its refund cancel each other.

use std::collections::BTreeSet;

use super::calendar::Day;
use super::periods::Charge;
use super::records::Invoice;

/// What is left of a customer's subscription invoices and refunds.
pub fn without_credited(
    charges: Vec<Charge>,
    refunds: Vec<Invoice>,
) -> (Vec<Charge>, Vec<Invoice>) {
    let mut ordered: Vec<&Charge> = charges.iter().collect();
    ordered.sort_by_key(|charge| charge.issue_order());
    let mut ordered_refunds: Vec<&Invoice> = refunds.iter().collect();
    ordered_refunds.sort_by_key(|refund| (refund.invoice_date.instant, &refund.id));

    // Each refund belongs to the invoices alike the first one it fits.
    let first_fit = |refund: &Invoice| ordered.iter().find(|c| fits(refund, c, &ordered)).copied();
    let belongs: Vec<(&Invoice, &Charge)> = ordered_refunds
        .iter()
        .filter_map(|refund| first_fit(refund).map(|charge| (*refund, charge)))
        .collect();

    let mut gone = BTreeSet::new();
    for (index, (refund, first)) in belongs.iter().enumerate() {
        let is_earlier = |(_, other): &&(&Invoice, &Charge)| are_alike(other, first);
        let nth = belongs[..index].iter().filter(is_earlier).count();
        let alike = ordered.iter().filter(|charge| are_alike(charge, first)).nth(nth);
        if let Some(charge) = alike.filter(|charge| fits(refund, charge, &ordered)) {
            gone.insert(refund.id.clone());
            gone.insert(charge.invoice.id.clone());
        }
    }
    (
        charges.iter().filter(|charge| !gone.contains(&charge.invoice.id)).cloned().collect(),
        refunds.iter().filter(|refund| !gone.contains(&refund.id)).cloned().collect(),
    )
}

/// Whether a refund fits a subscription invoice of the same customer.
fn fits(refund: &Invoice, charge: &Charge, all: &[&Charge]) -> bool {
    let invoice = &charge.invoice;
    let day = refund.invoice_date.day;
    let names = |named: &Option<String>, of: &Option<String>| named.is_none() || named == of;
    let is_in_period = match (refund.period_start, refund.period_end) {
        (Some(from), Some(_)) => charge.start <= from.day && from.day < charge.end,
        _ => true,
    };
    invoice.currency == refund.currency
        && names(&refund.subscription_id, &invoice.subscription_id)
        && names(&refund.plan_id, &invoice.plan_id)
        && refund.amount != 0
        && invoice.amount == refund.amount.abs()
        && is_in_period
        && invoice.invoice_date.day <= day
        && all.iter().any(|other| bills_again(other, charge, day))
}

/// `other` follows `charge`, on or after the day of the refund, for the same thing.
fn bills_again(other: &Charge, charge: &Charge, refunded_on: Day) -> bool {
    is_same_thing(other, charge)
        && other.issue_order() > charge.issue_order()
        && other.invoice.invoice_date.day >= refunded_on
}

fn are_alike(left: &Charge, right: &Charge) -> bool {
    is_same_thing(left, right) && left.invoice.amount == right.invoice.amount
}

/// The same subscription, plan, period and `proration`.
fn is_same_thing(left: &Charge, right: &Charge) -> bool {
    let key = |charge: &Charge| {
        let invoice = &charge.invoice;
        let subscription = (invoice.subscription_id.clone(), invoice.currency.clone());
        (subscription, charge.plan.id.clone(), charge.period(), invoice.is_proration)
    };
    key(left) == key(right)
}
