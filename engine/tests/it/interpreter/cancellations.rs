//! What cancellations cut, void and settle among the groups of one subscription (§4.5), and the
//! untils that follow (§4.6).

use super::calendar::Day;
use super::groups::Group;
use super::records::{Invoice, Settings};

/// Marks cuts, voids and settlements, then gives each group its until.
pub fn end_groups(
    groups: &mut [Group],
    cancellations: &[&Invoice],
    settings: &Settings,
    as_of: Day,
) {
    for cancellation in cancellations {
        cut_known(groups, cancellation, settings);
    }
    for group in groups.iter_mut() {
        group.is_void = group.span.cut_on.is_some_and(|cut_on| cut_on <= group.start());
    }
    for cancellation in cancellations {
        settle_last_known(groups, cancellation, settings);
    }
    for place in 0..groups.len() {
        if !groups[place].is_void {
            // A void group takes no further part, so it is nobody's next.
            let next = groups[place + 1..].iter().find(|later| !later.is_void).map(Group::start);
            (groups[place].until, groups[place].ending) = groups[place].span.until(next, as_of);
        }
    }
}

/// E of a cancellation whose last known group, or alone change, ends on `last_end`.
pub fn cancelled_on(cancellation: &Invoice, last_end: Day, settings: &Settings) -> Day {
    let own_day = cancellation.invoice_date.day;
    if let Some(period_end) = cancellation.period_end {
        return period_end.end_day();
    }
    let is_never = settings.grace_days.is_none();
    if settings.churns_immediately || (is_never && own_day > last_end) { own_day } else { last_end }
}

fn cut_known(groups: &mut [Group], cancellation: &Invoice, settings: &Settings) {
    let known = known(groups, cancellation);
    // "Void or not": the end of the last known group counts either way.
    let Some(&last) = known.last() else { return };
    let cancelled_on = cancelled_on(cancellation, groups[last].end(), settings);
    for place in known {
        if groups[place].end() > cancelled_on {
            groups[place].span.cut(cancelled_on);
        }
    }
}

fn settle_last_known(groups: &mut [Group], cancellation: &Invoice, settings: &Settings) {
    let known = known(groups, cancellation);
    let Some(&last) = known.last() else { return };
    let cancelled_on = cancelled_on(cancellation, groups[last].end(), settings);
    if let Some(place) = known.into_iter().rfind(|&place| !groups[place].is_void) {
        groups[place].span.settle(cancelled_on);
    }
}

/// The places of the groups that a cancellation knows, in order.
pub fn known(groups: &[Group], cancellation: &Invoice) -> Vec<usize> {
    let (at, day) = (cancellation.invoice_date.at, cancellation.invoice_date.day);
    let any_started_before = groups.iter().any(|group| group.start() < day);
    let is_known = |group: &Group| {
        group.issued_at() < at
            || (group.issued_at() == at && !any_started_before)
            || group.start() < day
    };
    (0..groups.len()).filter(|&place| is_known(&groups[place])).collect()
}
