//! Groups of regular invoices: what counts in them, their rate and their grace (§4.2 to §4.4).

use super::calendar::{Cycle, Day};
use super::charges::{Charge, Regular};
use super::ratio::Ratio;
use super::untils::{Ending, Span};

/// Regular invoices of one start instant and one end day. Everything below `members` is filled in
/// by later rules.
#[derive(Debug, Clone)]
pub struct Group {
    /// The last regular invoice of each plan, in order; never empty.
    pub counting: Vec<Regular>,
    pub members: usize,
    /// Rounded, in ten-thousandths of a minor unit.
    pub rate: i128,
    pub span: Span,
    /// Whether a cancellation voids it (§4.5).
    pub is_void: bool,
    pub until: Day,
    pub ending: Ending,
}

impl Group {
    pub fn last(&self) -> &Regular {
        self.counting.last().expect("a group has a counting invoice")
    }

    pub fn start(&self) -> Day {
        self.span.start
    }

    pub fn end(&self) -> Day {
        self.span.end
    }

    pub fn cycle(&self) -> Cycle {
        self.last().charge.cycle
    }

    pub fn prepaid_cycles(&self) -> i64 {
        self.last().prepaid_cycles
    }

    /// The earliest `invoice_date` of the counting invoices.
    pub fn issued_at(&self) -> i64 {
        self.counting
            .iter()
            .map(|regular| regular.charge.issued_at)
            .min()
            .expect("a group has a counting invoice")
    }

    pub fn is_live(&self) -> bool {
        !self.is_void && self.until > self.span.start
    }
}

/// The groups of one subscription, in order (§4.3).
pub fn groups(mut regulars: Vec<Regular>, grace_days: Option<i64>) -> Vec<Group> {
    regulars.sort_by(|left, right| left.charge.rank().cmp(&right.charge.rank()));
    let mut collected: Vec<Vec<Regular>> = Vec::new();
    for regular in regulars {
        let home = collected
            .iter_mut()
            .find(|members| belong_together(&members[0].charge, &regular.charge));
        match home {
            Some(members) => members.push(regular),
            None => collected.push(vec![regular]),
        }
    }
    let mut groups: Vec<Group> =
        collected.into_iter().map(|members| group(members, grace_days)).collect();
    groups.sort_by(|left, right| {
        let order = |group: &Group| group.start();
        (order(left), left.last().charge.rank()).cmp(&(order(right), right.last().charge.rank()))
    });
    groups
}

fn belong_together(left: &Charge, right: &Charge) -> bool {
    left.start_at == right.start_at && left.end == right.end
}

/// `members` come in the order of their ranks.
fn group(members: Vec<Regular>, grace_days: Option<i64>) -> Group {
    let mut counting: Vec<Regular> = Vec::new();
    for (place, member) in members.iter().enumerate() {
        let is_last_of_plan =
            !members[place + 1..].iter().any(|later| later.charge.plan_id == member.charge.plan_id);
        if is_last_of_plan {
            counting.push(member.clone());
        }
    }
    let last = &counting.last().expect("the last member counts").charge;
    let cycles: Vec<Cycle> = counting.iter().map(|regular| regular.charge.cycle).collect();
    let span = Span::new(last.start, last.end, grace(grace_days, &cycles, last.last_cycle_days()));
    Group {
        rate: counting.iter().map(|regular| regular.rate.rounded()).sum(),
        members: members.len(),
        span,
        is_void: false,
        until: last.start,
        ending: Ending::Undecided,
        counting,
    }
}

/// min(`grace_days`, shortest average cycle, end − (end ⊖ cycle)); None is unlimited (§4.4).
pub fn grace(grace_days: Option<i64>, cycles: &[Cycle], last_cycle_days: i128) -> Option<Ratio> {
    let days = Ratio::whole(i128::from(grace_days?));
    let shortest =
        cycles.iter().map(|cycle| cycle.average_days()).min().expect("a group has a plan");
    Some(days.min(shortest).min(Ratio::whole(last_cycle_days)))
}
