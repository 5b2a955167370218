//! Refunds: the group each one hits, and its negative line (§4.12).

use super::charges::Regular;
use super::groups::Group;
use super::lines::{Line, Subscription};
use super::ratio::Ratio;
use super::records::Invoice;

/// What a refund hits: the place of the subscription, and its group.
pub struct Target<'a> {
    pub subscription: usize,
    pub group: &'a Group,
}

/// The group of one customer's subscriptions that a refund hits.
pub fn target<'a>(refund: &Invoice, subscriptions: &'a [Subscription]) -> Option<Target<'a>> {
    let day = refund.invoice_date.day;
    let mut best: Option<Target<'_>> = None;
    for (place, subscription) in subscriptions.iter().enumerate() {
        let may_mean =
            refund.subscription_id.is_empty() || refund.subscription_id == subscription.id;
        if !may_mean || refund.currency != subscription.currency {
            continue;
        }
        for group in subscription.groups.iter().filter(|group| group.is_live()) {
            let is_running = group.start() <= day && day < group.end() && day < group.until;
            // Subscriptions come in the order of their ids, so only a later start beats an earlier
            // find.
            if is_running && best.as_ref().is_none_or(|best| group.start() > best.group.start()) {
                best = Some(Target { subscription: place, group });
            }
        }
    }
    best
}

/// The counting invoice a refund means.
pub fn refunded<'a>(refund: &Invoice, group: &'a Group) -> &'a Regular {
    let on_its_plan =
        group.counting.iter().find(|regular| regular.charge.plan_id == refund.plan_id);
    on_its_plan.unwrap_or_else(|| group.last())
}

/// −|refund amount| × (rate before rounding) ÷ amount; None if that amount is 0.
pub fn refund_line(refund: &Invoice, group: &Group) -> Option<Line> {
    let regular = refunded(refund, group);
    if regular.charge.amount_charged == 0 {
        return None;
    }
    let share = Ratio::new(-refund.amount.abs(), regular.charge.amount_charged);
    Some(Line {
        from: refund.invoice_date.day,
        until: group.until,
        rate: regular.rate.times(share).rounded(),
    })
}
