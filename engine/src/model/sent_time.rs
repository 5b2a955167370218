//! A time as it was sent, and what it means in the account's zone (mrr.md §3): its instant, its
//! local day.

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeZone, Timelike};
use chrono_tz::{GapInfo, Tz};

use super::day_number;

const SECOND: i64 = 1_000_000;

/// An instant, or a wall clock reading in whatever zone the account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SentTime {
    /// Microseconds since 1970: in UTC for an instant, as the clock reads for a wall clock reading.
    pub(crate) micros: i64,
    /// True when the sender gave a zone.
    pub(crate) zoned: bool,
}

impl SentTime {
    /// The instant in microseconds since 1970. A wall clock reading that occurs twice is its first
    /// occurrence; one that the clock skips is read with the offset from before the gap.
    pub(crate) fn instant(self, zone: Tz) -> Option<i64> {
        if self.zoned || zone == Tz::UTC {
            return Some(self.micros);
        }
        let wall = self.naive()?;
        let offset = match zone.offset_from_local_datetime(&wall) {
            LocalResult::Single(offset) | LocalResult::Ambiguous(offset, _) => offset,
            LocalResult::None => GapInfo::new(&wall, &zone)?.begin?.1,
        };
        Some(self.micros - i64::from(offset.fix().local_minus_utc()) * SECOND)
    }

    /// The local day in which the time falls (§3.1), in days since 1970.
    pub(crate) fn local_day(self, zone: Tz) -> Option<i32> {
        Some(day_number(self.wall_clock(zone)?.date()))
    }

    /// The exclusive end that it means as a period's end: its local day, or the next one when it
    /// reads 23:59 (§3.2).
    pub(crate) fn end_day(self, zone: Tz) -> Option<i32> {
        let wall = self.wall_clock(zone)?;
        let last_minute = wall.hour() == 23 && wall.minute() == 59;
        Some(day_number(wall.date()) + i32::from(last_minute))
    }

    /// What the clock in the zone reads; none when the time is out of the calendar's range.
    fn wall_clock(self, zone: Tz) -> Option<NaiveDateTime> {
        let naive = self.naive()?;
        Some(if self.zoned && zone != Tz::UTC {
            zone.from_utc_datetime(&naive).naive_local()
        } else {
            naive
        })
    }

    fn naive(self) -> Option<NaiveDateTime> {
        Some(DateTime::from_timestamp_micros(self.micros)?.naive_utc())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn day(text: &str) -> i32 {
        day_number(text.parse::<NaiveDate>().unwrap())
    }

    fn time(text: &str, zoned: bool) -> SentTime {
        let micros = text.parse::<NaiveDateTime>().unwrap().and_utc().timestamp_micros();
        SentTime { micros, zoned }
    }

    #[test]
    fn a_day_is_the_zones_own() {
        let new_york = Tz::America__New_York;
        assert_eq!(time("2024-02-01T00:00:00", true).local_day(new_york), Some(day("2024-01-31")));
        assert_eq!(time("2024-02-01T00:00:00", false).local_day(new_york), Some(day("2024-02-01")));
        assert_eq!(time("2024-02-01T04:59:59", true).end_day(new_york), Some(day("2024-02-01")));
        assert_eq!(time("2024-01-31T23:59:59", false).end_day(new_york), Some(day("2024-02-01")));
        assert_eq!(time("2024-01-31T23:58:59", false).end_day(new_york), Some(day("2024-01-31")));
    }

    #[test]
    fn a_skipped_or_repeated_reading_has_one_instant() {
        for (wall, zone, utc) in [
            ("2024-03-10T02:30:00", Tz::America__New_York, "2024-03-10T07:30:00"),
            ("2024-11-03T01:30:00", Tz::America__New_York, "2024-11-03T05:30:00"),
            ("2018-11-04T00:00:00", Tz::America__Sao_Paulo, "2018-11-04T03:00:00"),
            ("2011-12-30T12:00:00", Tz::Pacific__Apia, "2011-12-30T22:00:00"),
        ] {
            assert_eq!(
                time(wall, false).instant(zone),
                Some(time(utc, true).micros),
                "{wall} {zone}"
            );
        }
    }
}
