//! Days, and the plan cycles that are added to and taken from them (⊕ and ⊖ of §3).

use super::ratio::Ratio;

/// A local day, counted from 1970-01-01.
pub type Day = i64;

/// The `until` of a line that has no end: later than any day.
pub const OPEN: Day = Day::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    Day,
    Week,
    Month,
    Year,
}

/// A plan cycle: `interval` × `interval_count` (§3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cycle {
    pub interval: Interval,
    pub count: i64,
}

impl Cycle {
    /// `day` ⊕ so many cycles.
    pub fn after(self, day: Day, cycles: i64) -> Day {
        match self.interval {
            Interval::Day => day + self.count * cycles,
            Interval::Week => day + 7 * self.count * cycles,
            Interval::Month => add_months(day, self.count * cycles),
            Interval::Year => add_months(day, 12 * self.count * cycles),
        }
    }

    /// `day` ⊖ one cycle.
    pub fn before(self, day: Day) -> Day {
        self.after(day, -1)
    }

    /// M: the months of a cycle (§3.3).
    pub fn months(self) -> Ratio {
        let count = i128::from(self.count);
        match self.interval {
            Interval::Day => Ratio::new(12 * count, 365),
            Interval::Week => Ratio::new(12 * count, 52),
            Interval::Month => Ratio::whole(count),
            Interval::Year => Ratio::whole(12 * count),
        }
    }

    /// The average days of a cycle (§3.4).
    pub fn average_days(self) -> Ratio {
        let count = i128::from(self.count);
        match self.interval {
            Interval::Day => Ratio::whole(count),
            Interval::Week => Ratio::whole(7 * count),
            Interval::Month => Ratio::new(30_436_875 * count, 1_000_000),
            Interval::Year => Ratio::new(3_652_425 * count, 10_000),
        }
    }
}

/// The day of a proleptic Gregorian date.
pub fn day_of(year: i64, month: i64, day_of_month: i64) -> Day {
    let years_before = year - 1;
    let leap_days =
        years_before.div_euclid(4) - years_before.div_euclid(100) + years_before.div_euclid(400);
    let days_to_year = 365 * years_before + leap_days;
    let days_to_month: i64 = (1..month).map(|earlier| days_in_month(year, earlier)).sum();
    days_to_year + days_to_month + day_of_month - 1 - DAYS_TO_1970
}

/// The (year, month, day of month) of a day.
pub fn date_of(day: Day) -> (i64, i64, i64) {
    // Never too late: a year has at most 366 days after 1970, and at least 365 before it.
    let mut year = 1970 + if day < 0 { day.div_euclid(365) } else { day.div_euclid(366) };
    while day_of(year + 1, 1, 1) <= day {
        year += 1;
    }
    let mut month = 1;
    while month < 12 && day_of(year, month + 1, 1) <= day {
        month += 1;
    }
    (year, month, day - day_of(year, month, 1) + 1)
}

pub fn day_text(day: Day) -> String {
    let (year, month, day_of_month) = date_of(day);
    format!("{year:04}-{month:02}-{day_of_month:02}")
}

/// Calendar months on, or back for a negative number, clamped to the month's last day.
fn add_months(day: Day, months: i64) -> Day {
    let (year, month, day_of_month) = date_of(day);
    let counted = year * 12 + (month - 1) + months;
    let (year, month) = (counted.div_euclid(12), counted.rem_euclid(12) + 1);
    day_of(year, month, day_of_month.min(days_in_month(year, month)))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// From 0001-01-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_162;
