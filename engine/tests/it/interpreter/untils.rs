//! How long a group or a change alone runs: the table of §4.6.

use super::calendar::{Day, OPEN};
use super::ratio::Ratio;

/// What §4.6 asks about a group, or about a change that stands alone.
#[derive(Debug, Clone)]
pub struct Span {
    pub start: Day,
    pub end: Day,
    /// None is unlimited.
    pub grace: Option<Ratio>,
    /// The earliest E of the cancellations that cut it.
    pub cut_on: Option<Day>,
    /// The earliest E of the cancellations that settle it.
    pub settled_on: Option<Day>,
}

/// Which row of the table fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Undecided,
    Replaced,
    Cut,
    Settled,
    Bridged,
    LapsedBeforeNext,
    Lapsed,
    Open,
}

impl Span {
    pub fn new(start: Day, end: Day, grace: Option<Ratio>) -> Self {
        Span { start, end, grace, cut_on: None, settled_on: None }
    }

    pub fn cut(&mut self, on: Day) {
        self.cut_on = Some(self.cut_on.map_or(on, |earlier| earlier.min(on)));
    }

    pub fn settle(&mut self, on: Day) {
        self.settled_on = Some(self.settled_on.map_or(on, |earlier| earlier.min(on)));
    }

    /// The day it runs until, given the next start.
    pub fn until(&self, next: Option<Day>, as_of: Day) -> (Day, Ending) {
        let stop = self.stop();
        match next {
            Some(next) if next <= stop => (next, Ending::Replaced),
            _ if self.cut_on.is_some() => (stop, Ending::Cut),
            _ if self.settled_on.is_some() => (stop, Ending::Settled),
            Some(next) if self.bridges(next) => (next, Ending::Bridged),
            Some(_) => (self.end, Ending::LapsedBeforeNext),
            None if self.grace_is_over(as_of) => (self.end, Ending::Lapsed),
            None => (OPEN, Ending::Open),
        }
    }

    pub fn stop(&self) -> Day {
        let is_never = self.grace.is_none();
        match (self.cut_on, self.settled_on) {
            (Some(cut_on), _) => self.start.max(cut_on),
            (None, Some(settled_on)) if is_never => self.end.max(settled_on),
            _ => self.end,
        }
    }

    /// n − e ≤ g
    fn bridges(&self, next: Day) -> bool {
        let hole = Ratio::whole(i128::from(next - self.end));
        self.grace.is_none_or(|grace| hole <= grace)
    }

    /// as_of − e ≥ g
    fn grace_is_over(&self, as_of: Day) -> bool {
        let waited = Ratio::whole(i128::from(as_of - self.end));
        self.grace.is_some_and(|grace| waited >= grace)
    }
}
