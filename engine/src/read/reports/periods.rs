//! The periods of a report: whole days, weeks from Monday, months, quarters or years, cut at the
//! range's ends.

use std::str::FromStr;

use chrono::{Datelike, Days, Months, NaiveDate};

use crate::error::{Error, Result};

/// The most periods that one report has.
pub const PERIODS_MAX: usize = 20_000;

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interval {
    /// A day.
    Day,
    /// Monday to Sunday.
    Week,
    /// A calendar month.
    #[default]
    Month,
    /// Three calendar months from January, April, July or October.
    Quarter,
    /// A calendar year.
    Year,
}

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Interval::ALL.into_iter().find(|interval| interval.name() == text);
        found.ok_or_else(|| {
            format!("\"{text}\" is not an interval; use day, week, month, quarter or year")
        })
    }
}

/// One period, its last day included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) start: NaiveDate,
    pub(super) end: NaiveDate,
    /// Cut by the range or by `as_of`.
    pub(super) partial: bool,
}

impl Interval {
    /// Every interval, the shortest first.
    pub const ALL: [Interval; 5] =
        [Interval::Day, Interval::Week, Interval::Month, Interval::Quarter, Interval::Year];

    /// Its name in parameters.
    pub fn name(self) -> &'static str {
        match self {
            Interval::Day => "day",
            Interval::Week => "week",
            Interval::Month => "month",
            Interval::Quarter => "quarter",
            Interval::Year => "year",
        }
    }

    /// The first day of the period that a day is in.
    pub(super) fn start_of(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Interval::Day => Some(day),
            Interval::Week => {
                day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday())))
            }
            Interval::Month => day.with_day(1),
            Interval::Quarter => NaiveDate::from_ymd_opt(day.year(), day.month0() / 3 * 3 + 1, 1),
            Interval::Year => NaiveDate::from_ymd_opt(day.year(), 1, 1),
        }
    }

    /// A day so late that the periods from it to `to` are not too many; none where any day is.
    pub(super) fn earliest_start(self, to: NaiveDate) -> Option<NaiveDate> {
        let shortest_days = match self {
            Interval::Day => 1,
            Interval::Week => 7,
            Interval::Month => 28,
            Interval::Quarter => 90,
            Interval::Year => 365,
        };
        to.checked_sub_days(Days::new(shortest_days * (PERIODS_MAX as u64 - 2)))
    }

    fn next(self, start: NaiveDate) -> Option<NaiveDate> {
        match self {
            Interval::Day => start.checked_add_days(Days::new(1)),
            Interval::Week => start.checked_add_days(Days::new(7)),
            Interval::Month => start.checked_add_months(Months::new(1)),
            Interval::Quarter => start.checked_add_months(Months::new(3)),
            Interval::Year => start.checked_add_months(Months::new(12)),
        }
    }
}

/// The periods that cover [from, to].
pub(super) fn periods(interval: Interval, from: NaiveDate, to: NaiveDate) -> Result<Vec<Period>> {
    let out_of_calendar =
        || Error::Argument(format!("the range from {from} to {to} leaves the calendar"));
    let mut periods = Vec::new();
    if from > to {
        return Ok(periods);
    }
    let mut whole_start = interval.start_of(from).ok_or_else(out_of_calendar)?;
    while whole_start <= to {
        if periods.len() == PERIODS_MAX {
            let message = format!(
                "the range from {from} to {to} has over {PERIODS_MAX} periods; use a longer \
                 interval or a shorter range"
            );
            return Err(Error::Argument(message));
        }
        let next = interval.next(whole_start).ok_or_else(out_of_calendar)?;
        let whole_end = next.pred_opt().ok_or_else(out_of_calendar)?;
        let (start, end) = (whole_start.max(from), whole_end.min(to));
        periods.push(Period { start, end, partial: start > whole_start || end < whole_end });
        whole_start = next;
    }
    Ok(periods)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_into_calendar_periods() {
        for (interval, from, to, expected) in [
            (
                Interval::Month,
                "2024-01-15",
                "2024-03-10",
                "01-15..01-31* 02-01..02-29 03-01..03-10*",
            ),
            (Interval::Week, "2024-01-01", "2024-01-14", "01-01..01-07 01-08..01-14"),
            (Interval::Quarter, "2024-02-01", "2024-06-30", "02-01..03-31* 04-01..06-30"),
            (Interval::Year, "2024-01-01", "2024-12-31", "01-01..12-31"),
            (Interval::Day, "2024-02-28", "2024-03-01", "02-28..02-28 02-29..02-29 03-01..03-01"),
            (Interval::Month, "2024-03-10", "2024-03-09", ""),
        ] {
            let found = periods(interval, from.parse().unwrap(), to.parse().unwrap()).unwrap();
            let text: Vec<String> = found
                .iter()
                .map(|period| {
                    let mark = if period.partial { "*" } else { "" };
                    format!(
                        "{}..{}{mark}",
                        period.start.format("%m-%d"),
                        period.end.format("%m-%d")
                    )
                })
                .collect();
            assert_eq!(text.join(" "), expected, "{interval:?} {from} {to}");
        }
        assert!(
            periods(Interval::Day, "1000-01-01".parse().unwrap(), "2024-01-01".parse().unwrap())
                .is_err()
        );
    }
}
