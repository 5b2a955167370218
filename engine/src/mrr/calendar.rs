//! Calendar arithmetic of mrr.md §3: local days, instants and ⊕.
//!
//! Times are microseconds since 1970 (UTC for an instant, a wall clock reading for a local time), days are days since 1970.

use chrono::{DateTime, Datelike, Days, Duration, LocalResult, Months, NaiveDate, NaiveDateTime, TimeZone, Timelike};
use chrono_tz::{OffsetComponents, Tz};

/// A time as it was sent: an instant, or a wall clock reading in whatever zone the account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SentTime {
    /// Microseconds since 1970.
    pub(crate) micros: i64,
    /// True when the sender gave a zone.
    pub(crate) zoned: bool,
}

/// The wall clock reading of a time in the zone; none when the time is out of the calendar's range.
fn wall_clock(time: SentTime, zone: Tz) -> Option<NaiveDateTime> {
    let naive = DateTime::from_timestamp_micros(time.micros)?.naive_utc();
    Some(if time.zoned && zone != Tz::UTC { zone.from_utc_datetime(&naive).naive_local() } else { naive })
}

/// The local day in which a time falls (§3.1).
pub(crate) fn local_day(time: SentTime, zone: Tz) -> Option<i32> {
    Some(day_number(wall_clock(time, zone)?.date()))
}

/// The exclusive end that a period's end means: its local day, or the next one when it reads 23:59 (§3.2).
pub(crate) fn end_day(time: SentTime, zone: Tz) -> Option<i32> {
    let wall = wall_clock(time, zone)?;
    let last_minute = wall.hour() == 23 && wall.minute() == 59;
    Some(day_number(wall.date()) + i32::from(last_minute))
}

/// The instant of a time, in microseconds since 1970. A wall clock reading that occurs twice is its first occurrence; one that
/// the clock skips is read with the offset from before the gap.
pub(crate) fn instant(time: SentTime, zone: Tz) -> Option<i64> {
    if time.zoned || zone == Tz::UTC {
        return Some(time.micros);
    }
    let wall = DateTime::from_timestamp_micros(time.micros)?.naive_utc();
    match zone.from_local_datetime(&wall) {
        LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => Some(instant.timestamp_micros()),
        LocalResult::None => {
            let offset = offset_before_gap(wall, zone)?;
            Some(time.micros - offset.num_microseconds()?)
        }
    }
}

fn offset_before_gap(wall: NaiveDateTime, zone: Tz) -> Option<Duration> {
    // Clocks have skipped from minutes to a whole day (Samoa, 2011-12-30).
    [1, 3, 25, 49].into_iter().find_map(|hours| {
        let earlier = zone.from_local_datetime(&(wall - Duration::hours(hours))).latest()?;
        Some(earlier.offset().base_utc_offset() + earlier.offset().dst_offset())
    })
}

/// `day` ⊕ `cycles` × `interval_count` intervals; backwards when `cycles` is negative. Months clamp to the month's last day.
pub(crate) fn add_cycles(day: i32, interval: &str, interval_count: i64, cycles: i64) -> Option<i32> {
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

/// The date of a day number; none outside chrono's range of some 262,000 years.
pub(crate) fn date_of(day: i32) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(day.checked_add(EPOCH_FROM_CE)?)
}

/// Days since 1970-01-01.
pub(crate) fn day_number(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - EPOCH_FROM_CE
}

const EPOCH_FROM_CE: i32 = 719_163;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn day(text: &str) -> i32 {
        day_number(text.parse().unwrap())
    }

    fn time(text: &str, zoned: bool) -> SentTime {
        let micros = text.parse::<NaiveDateTime>().unwrap().and_utc().timestamp_micros();
        SentTime { micros, zoned }
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

    #[test]
    fn a_day_is_the_zones_own() {
        let new_york = Tz::America__New_York;
        assert_eq!(local_day(time("2024-02-01T00:00:00", true), new_york), Some(day("2024-01-31")));
        assert_eq!(local_day(time("2024-02-01T00:00:00", false), new_york), Some(day("2024-02-01")));
        assert_eq!(end_day(time("2024-02-01T04:59:59", true), new_york), Some(day("2024-02-01")));
        assert_eq!(end_day(time("2024-01-31T23:59:59", false), new_york), Some(day("2024-02-01")));
        assert_eq!(end_day(time("2024-01-31T23:58:59", false), new_york), Some(day("2024-01-31")));
    }

    #[test]
    fn a_skipped_or_repeated_reading_has_one_instant() {
        for (wall, zone, utc) in [
            ("2024-03-10T02:30:00", Tz::America__New_York, "2024-03-10T07:30:00"),
            ("2024-11-03T01:30:00", Tz::America__New_York, "2024-11-03T05:30:00"),
            ("2018-11-04T00:00:00", Tz::America__Sao_Paulo, "2018-11-04T03:00:00"),
            ("2011-12-30T12:00:00", Tz::Pacific__Apia, "2011-12-30T22:00:00"),
        ] {
            assert_eq!(instant(time(wall, false), zone), Some(time(utc, true).micros), "{wall} {zone}");
        }
    }
}
