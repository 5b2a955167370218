//! Until when a group, or a change alone, has its rate (§4.4, §4.6).

use super::calendar::{Cycle, Day, average_cycle_micro_days, days_between};
use super::cancellations::{End, Marks, Standing};
use super::groups::Group;
use super::settings::{GraceDays, Settings};

/// A grace or a wait in millionths of a day; none is unlimited.
#[derive(Clone, Copy, Debug)]
pub struct Span(Option<i64>);

impl Span {
    fn has(self, days: i64) -> bool {
        self.0.is_none_or(|micro_days| days * 1_000_000 <= micro_days)
    }

    fn is_over_after(self, days: i64) -> bool {
        self.0.is_some_and(|micro_days| days * 1_000_000 >= micro_days)
    }
}

/// Why a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Replaced,
    Cancelled,
    Lapsed,
    /// A change ends before its group.
    ProrationEnded,
    /// A notice that is awaited.
    Noticed,
    /// The renewal is still due: the rate is provisional from the end on.
    Due,
}

/// The first day without the rate; none is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Until {
    pub day: Option<Day>,
    pub ending: Ending,
}

impl Until {
    pub fn is_after(&self, day: Day) -> bool {
        self.day.is_none_or(|until| until > day)
    }

    pub fn is_on(&self, day: Day) -> bool {
        self.day == Some(day)
    }
}

/// What the table of §4.6 looks at.
pub struct Question<'a> {
    pub start: Day,
    pub end: Day,
    /// n: the next group's start.
    pub next: Option<Day>,
    /// m: the start of the same subscription id in another currency.
    pub other_currency: Option<Day>,
    pub marks: &'a Marks,
    pub grace: Span,
    pub wait: Span,
}

/// The table of §4.6: the first case that fits.
pub fn until(question: &Question<'_>, as_of: Day, settings: &Settings) -> Until {
    let Question { start, end, next, other_currency, marks, grace, wait } = question;
    let (grace, wait) = (*grace, *wait);
    let is_cut = !marks.cuts.is_empty();
    let stop = marks.cuts.iter().min().map_or(*end, |cut| *cut.max(start));
    let notice = if is_cut { None } else { notice(&marks.settles, *end, settings) };
    let ends = |day: Day, ending: Ending| Until { day: Some(day), ending };
    let bridged = |day: Day| {
        if grace.has(days_between(*end, day)) {
            ends(day, Ending::Replaced)
        } else {
            ends(*end, Ending::Lapsed)
        }
    };
    if let Some(next) = next.filter(|next| *next <= stop) {
        return ends(next, Ending::Replaced);
    }
    if is_cut || (!marks.settles.is_empty() && notice.is_none()) {
        return ends(stop, Ending::Cancelled);
    }
    let waited = days_between(*end, as_of);
    let comes_by = |day: Day| [*next, *other_currency].iter().flatten().any(|start| *start <= day);
    if let Some(notice) = notice.filter(|notice| !comes_by(*notice)) {
        let is_awaited = wait.has(days_between(*end, notice)) || !wait.is_over_after(waited);
        return if is_awaited { ends(notice, Ending::Noticed) } else { ends(*end, Ending::Lapsed) };
    }
    if let Some(start) = next.or(*other_currency) {
        return bridged(start);
    }
    if wait.is_over_after(waited) {
        return ends(*end, Ending::Lapsed);
    }
    Until { day: None, ending: Ending::Due }
}

/// The notice N of something that is not cut.
fn notice(settles: &[End], end: Day, settings: &Settings) -> Option<Day> {
    let is_never = settings.grace_days == GraceDays::Never;
    let gives_notice = |settle: &End| settle.day > end && (settle.is_period_end || is_never);
    if settles.iter().all(gives_notice) { settles.iter().map(|e| e.day).min() } else { None }
}

/// g and w (§4.4) of something that ends on `end`, is issued on `issued_on`, and pays `cycles` of
/// `cycle`. `averages` are the average cycles of all its plans.
pub fn grace_and_wait(
    averages: impl Iterator<Item = Cycle>,
    cycle: Cycle,
    cycles: i64,
    end: Day,
    issued_on: Day,
    settings: &Settings,
) -> (Span, Span) {
    let GraceDays::Days(days) = settings.grace_days else {
        return (Span(None), Span(None));
    };
    let last_cycle = days_between(cycle.after(end, -1), end);
    let smallest = averages.map(average_cycle_micro_days).min().unwrap_or(i64::MAX);
    let grace = (days * 1_000_000).min(smallest).min(last_cycle * 1_000_000);
    let in_arrears = issued_on >= end;
    let more = if in_arrears { days_between(end, cycle.after(end, cycles)) } else { 0 };
    (Span(Some(grace)), Span(Some(grace + more * 1_000_000)))
}

/// A live group: its until is after its start.
#[derive(Clone, Debug)]
pub struct Live {
    pub group: Group,
    pub until: Until,
    /// The group's rate, or that of another group if this one is a zero stub paid by credit.
    pub rate: i128,
}

/// The live groups of one subscription. `other_currencies` are the starts of all groups that are
/// not void of the same subscription id in other currencies.
pub fn live_groups(
    standing: &[Standing],
    other_currencies: &[Day],
    as_of: Day,
    settings: &Settings,
) -> Vec<Live> {
    let mut live = Vec::new();
    for (index, Standing { group, marks }) in standing.iter().enumerate() {
        let next = standing.get(index + 1).map(|next| next.group.start);
        let last = group.last();
        let averages = group.counting.iter().map(|regular| regular.charge.plan.cycle);
        let cycle = last.charge.plan.cycle;
        let issued_on = group.issued_on;
        let (grace, wait) =
            grace_and_wait(averages, cycle, last.cycles, group.end, issued_on, settings);
        let other_currency = first_from(other_currencies, group.end).filter(|_| next.is_none());
        let question = Question {
            start: group.start,
            end: group.end,
            next,
            other_currency,
            marks,
            grace,
            wait,
        };
        let until = until(&question, as_of, settings);
        if until.is_after(group.start) {
            live.push(Live { group: group.clone(), until, rate: group.rate() });
        }
    }
    live
}

/// m: the earliest of the starts that is not before `end`.
pub fn first_from(starts: &[Day], end: Day) -> Option<Day> {
    starts.iter().filter(|start| **start >= end).min().copied()
}
