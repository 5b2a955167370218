//! ⊕ and ⊖ of mrr.md §3: billing cycles added to a day.

use chrono::{Days, Months, NaiveDate};

use crate::model::{date_of, day_number};

/// `day` ⊕ `cycles` × `interval_count` intervals; backwards when `cycles` is negative. Months clamp
/// to the month's last day.
pub(crate) fn add_cycles(
    day: i32,
    interval: &str,
    interval_count: i64,
    cycles: i64,
) -> Option<i32> {
    let steps = interval_count.checked_mul(cycles)?;
    let date = date_of(day)?;
    let moved = match interval {
        "day" => add_days(date, steps),
        "week" => add_days(date, steps.checked_mul(7)?),
        "month" => add_months(date, steps),
        "year" => add_months(date, steps.checked_mul(12)?),
        _ => None,
    }?;
    Some(day_number(moved))
}

fn add_days(date: NaiveDate, days: i64) -> Option<NaiveDate> {
    let distance = Days::new(days.unsigned_abs());
    if days < 0 { date.checked_sub_days(distance) } else { date.checked_add_days(distance) }
}

fn add_months(date: NaiveDate, months: i64) -> Option<NaiveDate> {
    let distance = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
    if months < 0 { date.checked_sub_months(distance) } else { date.checked_add_months(distance) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn day(text: &str) -> i32 {
        day_number(text.parse().unwrap())
    }

    #[test]
    fn months_clamp_to_the_last_day() {
        for (from, interval, count, cycles, to) in [
            ("2024-01-31", "month", 1, 1, "2024-02-29"),
            ("2024-01-31", "month", 1, 2, "2024-03-31"),
            ("2024-03-31", "month", 1, -1, "2024-02-29"),
            ("2024-02-29", "year", 1, 1, "2025-02-28"),
            ("2024-02-29", "year", 2, -1, "2022-02-28"),
            ("2024-02-29", "week", 2, 1, "2024-03-14"),
            ("2024-02-29", "day", 10, -1, "2024-02-19"),
            ("9999-12-31", "year", 10_000, 1, "+19999-12-31"),
        ] {
            let moved = date_of(add_cycles(day(from), interval, count, cycles).unwrap()).unwrap();
            assert_eq!(moved.to_string(), to, "{from} {interval} × {count} × {cycles}");
        }
        assert_eq!(add_cycles(day("2024-01-01"), "year", i64::MAX, 2), None);
        assert_eq!(add_cycles(day("2024-01-01"), "day", i64::MAX, 1), None);
    }
}
