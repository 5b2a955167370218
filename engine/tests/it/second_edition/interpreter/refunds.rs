//! Refunds that reduce MRR (§4.12).

use super::calendar::Day;
use super::groups::{Group, Regular};
use super::lines::Line;
use super::ratio::Ratio;
use super::records::Invoice;
use super::tracks::Subscription;
use super::untils::Live;

/// The line of a refund, if it has an effect on MRR. `live` are the live groups of the customer.
pub fn refund_line(refund: &Invoice, live: &[(Subscription, Live)]) -> Option<Line> {
    let day = refund.invoice_date.day;
    let meant = meant_day(refund);
    let candidates: Vec<&(Subscription, Live)> = live
        .iter()
        .filter(|(subscription, live)| may_mean(refund, meant, subscription, live))
        .collect();
    let on_plan = |(_, live): &&&(Subscription, Live)| counts_plan(&live.group, refund);
    let has_plan = candidates.iter().any(|candidate| on_plan(&candidate));
    let mut chosen: Vec<&&(Subscription, Live)> =
        candidates.iter().filter(|candidate| !has_plan || on_plan(candidate)).collect();
    chosen.sort_by_key(|(subscription, live)| {
        let id = subscription.id.clone();
        (std::cmp::Reverse(live.group.start), id, subscription.track)
    });
    let (subscription, live) = chosen.first()?;
    if day >= live.group.end {
        return None;
    }
    let regular = meant_invoice(&live.group, refund)?;
    let share = Ratio::new(refund.amount.abs().into(), regular.charge.invoice.amount.into());
    let rate = -regular.exact_rate.times(share).rounded();
    Some(Line {
        subscription: subscription.clone(),
        from: day.max(live.group.start),
        until: live.until,
        rate,
        invoice_id: refund.id.clone(),
    })
}

/// p: the day of its `period_start` if it has both period dates, else its own day.
fn meant_day(refund: &Invoice) -> Day {
    match (refund.period_start, refund.period_end) {
        (Some(start), Some(_)) => start.day,
        _ => refund.invoice_date.day,
    }
}

fn may_mean(refund: &Invoice, meant: Day, subscription: &Subscription, live: &Live) -> bool {
    (refund.subscription_id.is_none() || refund.subscription_id == subscription.id)
        && refund.currency == subscription.currency
        && live.group.start <= meant
        && meant < live.group.end
        && live.until.is_after(meant)
}

fn counts_plan(group: &Group, refund: &Invoice) -> bool {
    refund.plan_id.as_ref().is_some_and(|id| group.counts_plan(id))
}

/// Of the counting invoices, only of those on the refund's plan if there are such: the last whose
/// field amount is not 0.
fn meant_invoice<'a>(group: &'a Group, refund: &Invoice) -> Option<&'a Regular> {
    let only_plan = counts_plan(group, refund);
    group
        .counting
        .iter()
        .filter(|r| !only_plan || Some(&r.charge.plan.id) == refund.plan_id.as_ref())
        .rfind(|r| r.charge.invoice.amount != 0)
}
