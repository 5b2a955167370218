//! Snap: no cent-noise at renewals (§4.10).

use super::calendar::Day;
use super::changes::{Change, Home};
use super::groups::Group;

/// Corrects the last reaching change of each group, and of the changes alone before each group.
pub fn snap(changes: &mut [Change], groups: &[Group]) {
    for (place, group) in groups.iter().enumerate() {
        let belongs = |home: Home| home == Home::Within(place) || home == Home::SameStart(place);
        if let Some(next) = group_from(group.until, groups).filter(|_| group.is_live()) {
            let reaching = reaching(changes, |change| belongs(change.home));
            snap_to(changes, &reaching, group.rate, next.rate);
        }
    }
    for next in groups.iter().filter(|group| group.is_live()) {
        let reaching =
            reaching(changes, |change| change.home == Home::Alone && change.until == next.start());
        snap_to(changes, &reaching, 0, next.rate);
    }
}

/// The group that runs from that day.
fn group_from(day: Day, groups: &[Group]) -> Option<&Group> {
    groups.iter().rfind(|group| group.is_live() && group.start() == day)
}

fn reaching(changes: &[Change], belongs: impl Fn(&Change) -> bool) -> Vec<usize> {
    (0..changes.len()).filter(|&place| changes[place].reaches && belongs(&changes[place])).collect()
}

fn snap_to(changes: &mut [Change], reaching: &[usize], group_rate: i128, next_rate: i128) {
    let sum: i128 = reaching.iter().map(|&place| changes[place].rate).sum();
    let uncertainty: i128 = reaching.iter().map(|&place| changes[place].uncertainty()).sum();
    let difference = group_rate + sum - next_rate;
    let rank = |place: usize| {
        let charge = &changes[place].charge;
        (charge.start, charge.rank())
    };
    let last = reaching.iter().copied().max_by(|&left, &right| rank(left).cmp(&rank(right)));
    if let Some(last) = last
        && difference != 0
        && difference.abs() <= uncertainty
    {
        changes[last].rate -= difference;
        changes[last].snapped = difference;
    }
}
