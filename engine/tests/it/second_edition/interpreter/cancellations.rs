//! What cancellations do to the groups of one subscription (§4.5).

use std::collections::BTreeMap;

use super::calendar::{Day, plus_days};
use super::groups::{Group, Sorted};
use super::periods::{Charge, InclusiveEnds};
use super::records::Invoice;
use super::settings::{GraceDays, Settings};
use super::tracks::Subscription;

/// The end E(c) of a cancellation for one group or one change.
#[derive(Clone, Copy, Debug)]
pub struct End {
    pub day: Day,
    /// The end is that of a `period_end`.
    pub is_period_end: bool,
}

/// What the cancellations do to one group, or to one change alone.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    pub cuts: Vec<Day>,
    pub settles: Vec<End>,
}

/// A group that is not void, and what cancellations do to it.
#[derive(Clone, Debug)]
pub struct Standing {
    pub group: Group,
    pub marks: Marks,
}

/// When the invoices of one subscription id begin, and whether one of them is above 0.
#[derive(Clone, Copy, Debug)]
struct Beginning {
    day: Day,
    is_paid: bool,
}

/// The cancellations of one customer, and what their ends depend on.
pub struct Cancellations<'a> {
    all: Vec<&'a Invoice>,
    inclusive: &'a InclusiveEnds,
    beginnings: BTreeMap<Option<String>, Beginning>,
    settings: &'a Settings,
}

impl<'a> Cancellations<'a> {
    pub fn of_customer(
        all: Vec<&'a Invoice>,
        inclusive: &'a InclusiveEnds,
        subscriptions: &BTreeMap<Subscription, Sorted>,
        settings: &'a Settings,
    ) -> Cancellations<'a> {
        let mut charges: BTreeMap<_, Vec<&Charge>> = BTreeMap::new();
        for (subscription, sorted) in subscriptions {
            let begin = charges.entry(subscription.id.clone()).or_default();
            begin.extend(sorted.regular.iter().map(|regular| &regular.charge));
            // There are changes under `add` only.
            begin.extend(sorted.changes.iter().filter(|change| change.amount > 0));
        }
        let beginnings = charges
            .into_iter()
            .filter_map(|(id, charges)| beginning(&charges).map(|begins| (id, begins)))
            .collect();
        Cancellations { all, inclusive, beginnings, settings }
    }

    /// The cancellations that apply to a subscription.
    pub fn applying(&self, to: &Subscription) -> impl Iterator<Item = &'a Invoice> {
        let id = to.id.clone();
        let applies = move |c: &&Invoice| c.subscription_id.is_none() || c.subscription_id == id;
        self.all.clone().into_iter().filter(applies)
    }

    /// E(c), if `end` is that of the last group it knows, or of the change alone.
    pub fn end(&self, c: &Invoice, of: &Subscription, end: Day) -> End {
        if let Some(period_end) = c.period_end {
            let day = self.inclusive.end_of_cancellation(&of.id, period_end);
            return End { day, is_period_end: true };
        }
        let own_day = c.invoice_date.day;
        let is_late = self.settings.grace_days == GraceDays::Never && own_day > end;
        let ends_now = self.settings.is_immediate || self.is_switch(c) || is_late;
        End { day: if ends_now { own_day } else { end }, is_period_end: false }
    }

    /// The customer moves to another subscription id, which begins on the cancellation's day.
    fn is_switch(&self, c: &Invoice) -> bool {
        c.subscription_id.is_some()
            && self.beginnings.iter().any(|(id, begins)| {
                *id != c.subscription_id && begins.day == c.invoice_date.day && begins.is_paid
            })
    }

    /// The groups of a subscription that are not void, with what the cancellations do to them.
    pub fn standing(&self, subscription: &Subscription, groups: &[Group]) -> Vec<Standing> {
        let effects: Vec<Effect> = self
            .applying(subscription)
            .filter_map(|c| self.effect(c, subscription, groups))
            .collect();
        let mut marks = vec![Marks::default(); groups.len()];
        for effect in &effects {
            for (index, group) in groups.iter().enumerate() {
                if effect.knows_without_term[index] && group.end > effect.end.day {
                    marks[index].cuts.push(effect.end.day);
                }
            }
        }
        let is_void: Vec<bool> = groups
            .iter()
            .zip(&marks)
            .map(|(group, marks)| marks.cuts.iter().any(|cut| *cut <= group.start))
            .collect();
        for effect in &effects {
            let settled = (0..groups.len()).rfind(|index| effect.knows[*index] && !is_void[*index]);
            if let Some(index) = settled {
                marks[index].settles.push(effect.end);
            }
        }
        let stands = |(index, _): &(usize, &Group)| !is_void[*index];
        let standing = |(index, group): (usize, &Group)| Standing {
            group: group.clone(),
            marks: marks[index].clone(),
        };
        groups.iter().enumerate().filter(stands).map(standing).collect()
    }

    /// What one cancellation knows; none if it knows no group.
    fn effect(&self, c: &Invoice, of: &Subscription, groups: &[Group]) -> Option<Effect> {
        let at = c.invoice_date.instant;
        let day = c.invoice_date.day;
        let has_begun = groups.iter().any(|group| group.start < day);
        let knows_without_term: Vec<bool> = groups
            .iter()
            .map(|group| {
                group.issued_at < at || (group.issued_at == at && !has_begun) || group.start < day
            })
            .collect();
        let knows_one = knows_without_term.contains(&true);
        let has_term = c.period_end.is_some() && (c.subscription_id.is_some() || knows_one);
        // Only an end that is not of a `period_end` depends on the last group known.
        let last_known = (0..groups.len()).rfind(|index| knows_without_term[*index]);
        let end = self.end(c, of, last_known.map_or(day, |index| groups[index].end));
        let knows: Vec<bool> = groups
            .iter()
            .zip(&knows_without_term)
            .map(|(group, knows)| *knows || (has_term && is_in_term(group.start, group.end, end)))
            .collect();
        knows.contains(&true).then_some(Effect { end, knows_without_term, knows })
    }

    /// What the cancellations do to a change alone (§4.9); `next` is its n.
    pub fn marks_of_alone(
        &self,
        subscription: &Subscription,
        change: &Charge,
        next: Option<Day>,
    ) -> Marks {
        let mut marks = Marks::default();
        for c in self.applying(subscription) {
            let day = c.invoice_date.day;
            if next.is_some_and(|next| day >= next) {
                continue;
            }
            let end = self.end(c, subscription, change.end);
            let is_after =
                day > change.start || c.invoice_date.instant > change.invoice.invoice_date.instant;
            let has_term = c.subscription_id.is_some() && c.period_end.is_some();
            if is_after && change.end > end.day {
                marks.cuts.push(end.day);
            }
            if is_after || (has_term && is_in_term(change.start, change.end, end)) {
                marks.settles.push(end);
            }
        }
        marks
    }
}

/// One cancellation in one subscription: its end and the groups it knows, by their index.
struct Effect {
    end: End,
    knows_without_term: Vec<bool>,
    knows: Vec<bool>,
}

fn is_in_term(start: Day, end: Day, term: End) -> bool {
    start < term.day && end <= plus_days(term.day, 3)
}

fn beginning(charges: &[&Charge]) -> Option<Beginning> {
    let day = charges.iter().map(|charge| charge.start).min()?;
    let is_paid = charges.iter().any(|charge| charge.start == day && charge.amount > 0);
    Some(Beginning { day, is_paid })
}
