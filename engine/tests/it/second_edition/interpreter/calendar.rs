//! Local days, instants, ⊕ and ⊖ (§3.1, §3.2, §3.5).

use chrono::{Datelike, Days, Duration, Months, NaiveDate, NaiveDateTime, NaiveTime};
use chrono::{Offset, TimeZone, Timelike};
use chrono_tz::{GapInfo, Tz};

/// A local day.
pub type Day = NaiveDate;

pub const MICROSECONDS_OF_DAY: i64 = 86_400_000_000;

/// 0001-01-01: ⊖ stops there.
pub fn first_day() -> Day {
    day_of(1, 1, 1)
}

/// 9999-12-31: ⊕ and the day after stop there.
pub fn last_day() -> Day {
    day_of(9999, 12, 31)
}

pub fn day_of(year: i32, month: u32, day: u32) -> Day {
    Day::from_ymd_opt(year, month, day).expect("a literal date is a day of the calendar")
}

pub fn days_between(from: Day, to: Day) -> i64 {
    (to - from).num_days()
}

/// The day that many days after `day`; it stops at the ends of the calendar (§3.2).
pub fn plus_days(day: Day, days: i64) -> Day {
    let moved = if days < 0 {
        day.checked_sub_days(Days::new(days.unsigned_abs()))
    } else {
        day.checked_add_days(Days::new(days.unsigned_abs()))
    };
    stop(moved, days < 0)
}

fn plus_months(day: Day, months: i64) -> Day {
    let count = u32::try_from(months.unsigned_abs()).unwrap_or(u32::MAX);
    let moved = if months < 0 {
        day.checked_sub_months(Months::new(count))
    } else {
        day.checked_add_months(Months::new(count))
    };
    stop(moved, months < 0)
}

fn stop(moved: Option<Day>, backwards: bool) -> Day {
    let end = if backwards { first_day() } else { last_day() };
    moved.unwrap_or(end).clamp(first_day(), last_day())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interval {
    Day,
    Week,
    Month,
    Year,
}

/// `interval` × `interval_count` (§3.3). The order is that of tracks in §4.12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cycle {
    pub interval: Interval,
    pub count: i64,
}

impl Cycle {
    pub const fn new(interval: Interval, count: i64) -> Cycle {
        Cycle { interval, count }
    }

    /// `day` ⊕ that many cycles; a negative number is ⊖.
    pub fn after(self, day: Day, cycles: i64) -> Day {
        let units = self.count * cycles;
        match self.interval {
            Interval::Day => plus_days(day, units),
            Interval::Week => plus_days(day, 7 * units),
            Interval::Month => plus_months(day, units),
            Interval::Year => plus_months(day, 12 * units),
        }
    }
}

/// An instant as a record writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub instant: i64,
    /// The local day in which the instant falls (§3.1).
    pub day: Day,
    pub clock: NaiveTime,
    /// The moment is a bare date or the first instant of its local day (§3.1).
    pub is_midnight: bool,
    pub is_bare: bool,
}

impl Moment {
    pub fn is_last_minute(&self) -> bool {
        !self.is_bare && self.clock.hour() == 23 && self.clock.minute() == 59
    }
}

/// The setting `timezone`.
#[derive(Clone, Copy, Debug)]
pub struct Zone(Tz);

impl Zone {
    pub fn named(name: &str) -> Result<Zone, String> {
        name.parse().map(Zone).map_err(|_| format!("unknown time zone \"{name}\""))
    }

    /// The moment of an instant in UTC.
    pub fn moment(self, utc: NaiveDateTime) -> Moment {
        let offset = self.0.offset_from_utc_datetime(&utc).fix();
        let local = utc + Duration::seconds(offset.local_minus_utc().into());
        let instant = utc.and_utc().timestamp_micros();
        let is_midnight = self.first_instant(local.date()) == instant;
        Moment { instant, day: local.date(), clock: local.time(), is_midnight, is_bare: false }
    }

    /// The moment of a local time. A skipped one has the offset before the gap; of two the
    /// first counts (§1.2).
    pub fn local(self, local: NaiveDateTime) -> Moment {
        let offset = match self.0.offset_from_local_datetime(&local).earliest() {
            Some(offset) => offset.fix(),
            None => self.offset_before_gap(local),
        };
        self.moment(local - Duration::seconds(offset.local_minus_utc().into()))
    }

    /// The first moment of a local day, at midnight.
    pub fn midnight(self, day: Day) -> Moment {
        Moment {
            instant: self.first_instant(day),
            day,
            clock: NaiveTime::MIN,
            is_midnight: true,
            is_bare: false,
        }
    }

    /// A bare date: that local day (§1.2).
    pub fn bare(self, day: Day) -> Moment {
        Moment { is_bare: true, ..self.midnight(day) }
    }

    /// The moment on another day with the same local time, or at midnight if `moment` is (§3.5).
    pub fn same_time_on(self, moment: Moment, day: Day) -> Moment {
        if moment.is_midnight { self.midnight(day) } else { self.local(day.and_time(moment.clock)) }
    }

    fn first_instant(self, day: Day) -> i64 {
        let midnight = day.and_time(NaiveTime::MIN);
        let utc = match self.0.from_local_datetime(&midnight).earliest() {
            Some(time) => time.naive_utc(),
            None => {
                let gap = GapInfo::new(&midnight, &self.0).expect("a skipped time is in a gap");
                gap.end.expect("the gap of a change of clocks ends").naive_utc()
            }
        };
        utc.and_utc().timestamp_micros()
    }

    fn offset_before_gap(self, local: NaiveDateTime) -> chrono::FixedOffset {
        let gap = GapInfo::new(&local, &self.0).expect("a skipped time is in a gap");
        gap.begin.expect("the gap of a change of clocks begins").1.fix()
    }
}

/// The average days of a cycle (§3.4) in millionths of a day.
pub fn average_cycle_micro_days(cycle: Cycle) -> i64 {
    let one = match cycle.interval {
        Interval::Day => 1_000_000,
        Interval::Week => 7_000_000,
        Interval::Month => 30_436_875,
        Interval::Year => 365_242_500,
    };
    one * cycle.count
}

/// Whether a year can stand in a date (§1.2).
pub fn is_in_calendar(day: Day) -> bool {
    (1..=9999).contains(&day.year())
}

#[test]
fn months_are_clamped_to_their_last_day() {
    let month = Cycle::new(Interval::Month, 1);
    assert_eq!(month.after(day_of(2024, 1, 31), 1), day_of(2024, 2, 29));
    assert_eq!(month.after(day_of(2024, 3, 31), -1), day_of(2024, 2, 29));
    assert_eq!(month.after(day_of(9999, 12, 1), 1), last_day());
    assert_eq!(Cycle::new(Interval::Year, 10_000).after(day_of(2024, 1, 1), -1), first_day());
}
