//! Counts how often the rules about changes apply (§4.7 to §4.10).

use super::super::interpreter::calendar::OPEN;
use super::super::interpreter::changes::{Change, Home, home};
use super::super::interpreter::charges::Charge;
use super::super::interpreter::groups::Group;
use super::super::interpreter::lines::Subscription;
use super::super::interpreter::records::{Book, Prorations};
use super::super::interpreter::untils::Ending;
use super::{Tally, count};

pub fn count_changes(tally: &mut Tally, subscription: &Subscription, book: &Book) {
    let groups = &subscription.groups;
    if book.settings.prorations != Prorations::Add {
        return;
    }
    for charge in
        subscription.charges.iter().filter(|charge| charge.is_proration && charge.has_both_dates)
    {
        let is_regular =
            groups.iter().flat_map(|g| &g.counting).any(|regular| regular.charge.id == charge.id);
        if !is_regular {
            count_home(tally, charge, home(charge, groups));
        }
    }
    for change in &subscription.changes {
        count_change(tally, change, groups);
    }
    for (place, group) in groups.iter().enumerate().filter(|(_, group)| group.is_live()) {
        let belongs = |change: &&Change| {
            let (Home::Within(home) | Home::SameStart(home)) = change.home else { return false };
            home == place
        };
        let reaching: Vec<&Change> =
            subscription.changes.iter().filter(belongs).filter(|c| c.reaches).collect();
        let next = groups.iter().find(|next| next.is_live() && next.start() == group.until);
        if let Some(next) = next.filter(|_| !reaching.is_empty()) {
            count_distance(tally, group.rate, next.rate, &reaching);
        }
    }
}

/// How far a renewal is from what the changes before it promised.
fn count_distance(tally: &mut Tally, rate: i128, next_rate: i128, reaching: &[&Change]) {
    let uncertainty: i128 = reaching.iter().map(|change| change.uncertainty()).sum();
    let sum: i128 = reaching.iter().map(|change| change.rate + change.snapped).sum();
    let distance = (rate + sum - next_rate).abs();
    count(tally, "4.10 renewal meets its changes exactly", distance == 0);
    count(tally, "4.10 renewal within the uncertainty", distance != 0 && distance <= uncertainty);
    count(
        tally,
        "4.10 renewal just over the uncertainty",
        distance > uncertainty && distance <= 4 * uncertainty,
    );
    count(tally, "4.10 renewal far from its changes", distance > 4 * uncertainty);
    count(
        tally,
        "4.10 at the edge of the uncertainty",
        distance != 0 && (distance - uncertainty).abs() <= 1,
    );
}

fn count_home(tally: &mut Tally, charge: &Charge, home: Home) {
    count(tally, "4.7 within", matches!(home, Home::Within(_)));
    count(tally, "4.7 within, negative", matches!(home, Home::Within(_)) && charge.amount < 0);
    count(
        tally,
        "4.7 same start, positive",
        matches!(home, Home::SameStart(_)) && charge.amount > 0,
    );
    count(
        tally,
        "4.7 same start and end, negative",
        matches!(home, Home::SameStart(_)) && charge.amount < 0,
    );
    count(tally, "4.7 alone", home == Home::Alone);
    count(tally, "4.7 awaits the renewal", home == Home::AwaitsRenewal);
    count(tally, "4.7 dropped", home == Home::Dropped);
}

fn count_change(tally: &mut Tally, change: &Change, groups: &[Group]) {
    let is_alone = change.home == Home::Alone;
    let snapped = change.snapped != 0;
    count(tally, "4.10 snap alone", is_alone && snapped);
    count(tally, "4.10 snap in a group", !is_alone && snapped);
    if let Home::Within(place) | Home::SameStart(place) = change.home {
        let same_cycle = change.charge.cycle == groups[place].cycle();
        count(tally, "4.8 cycle of the group", same_cycle);
        count(
            tally,
            "4.8 cycle of the group, k > 1",
            same_cycle && groups[place].prepaid_cycles() > 1,
        );
        count(tally, "4.8 its own cycle", !same_cycle);
        count(tally, "4.8 reaches", change.reaches);
        count(tally, "4.8 ends inside", !change.reaches);
        count(
            tally,
            "4.10 snap of several",
            snapped && change.snapped.abs() > change.uncertainty(),
        );
        return;
    }
    let at_group = groups.iter().any(|group| group.is_live() && group.start() == change.until);
    let took_over = matches!(change.ending, Ending::Replaced | Ending::Bridged);
    count(tally, "4.9 until the next group", took_over && at_group);
    count(tally, "4.9 until the next alone", took_over && !at_group);
    count(tally, "4.9 bridged", change.ending == Ending::Bridged);
    count(tally, "4.9 cut", change.ending == Ending::Cut);
    count(tally, "4.9 settled", change.ending == Ending::Settled);
    count(tally, "4.9 lapsed", matches!(change.ending, Ending::Lapsed | Ending::LapsedBeforeNext));
    count(tally, "4.9 open", change.until == OPEN);
    count(tally, "4.9 no line", change.until <= change.charge.start);
}
