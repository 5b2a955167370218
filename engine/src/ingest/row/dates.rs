//! Parses dates: an instant, or a wall clock reading if no zone is given.

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;

use crate::model::SentTime;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// 0001-01-01 and 10000-01-01: years have four digits.
const FIRST: i64 = -719_162 * DAY;
const END: i64 = 2_932_897 * DAY;

/// A time in microseconds since 1970: UTC if `zoned`, else a wall clock reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) struct ParsedTime {
    pub(in crate::ingest) micros: i64,
    pub(in crate::ingest) zoned: bool,
}

impl ParsedTime {
    /// A time in the years 0001 to 9999, else nothing.
    pub(in crate::ingest) fn new(micros: i64, zoned: bool) -> Option<Self> {
        (FIRST..END).contains(&micros).then_some(ParsedTime { micros, zoned })
    }

    /// Parses RFC 3339 with `T`, `t` or a space in the middle, with or without zone, or a bare
    /// date. Fractions are truncated to microseconds.
    pub(in crate::ingest) fn parse(text: &str) -> Option<Self> {
        let (date, rest) = text.as_bytes().split_at_checked(10)?;
        let midnight = midnight(date)?;
        let rest = match rest {
            [] => return ParsedTime::new(midnight, false),
            [b'T' | b't' | b' ', rest @ ..] => rest,
            _ => return None,
        };
        let (time, rest) = clock(rest)?;
        let (fraction, rest) = fraction(rest)?;
        let offset = offset(rest)?;
        let micros = midnight + time.micros - offset.unwrap_or(0);
        if time.leaps && micros.rem_euclid(DAY) != DAY - SECOND {
            return None;
        }
        ParsedTime::new(micros + fraction, offset.is_some())
    }

    /// The instant in UTC, in microseconds; see [`SentTime::instant`].
    pub(in crate::ingest) fn instant(self, timezone: Tz) -> i64 {
        SentTime { micros: self.micros, zoned: self.zoned }.instant(timezone).unwrap_or(self.micros)
    }

    /// The time as text that [`ParsedTime::parse`] reads; one too far away for a calendar as its
    /// number.
    pub(in crate::ingest) fn text(self) -> String {
        let format = if self.zoned { "%Y-%m-%dT%H:%M:%S%.fZ" } else { "%Y-%m-%dT%H:%M:%S%.f" };
        let time = DateTime::from_timestamp_micros(self.micros);
        time.map_or_else(|| self.micros.to_string(), |time| time.format(format).to_string())
    }
}

fn midnight(date: &[u8]) -> Option<i64> {
    let [year @ .., b'-', m1, m2, b'-', d1, d2] = date else { return None };
    let date =
        NaiveDate::from_ymd_opt(number(year)? as i32, number(&[*m1, *m2])?, number(&[*d1, *d2])?)?;
    Some(i64::from(date.to_epoch_days()) * DAY)
}

struct TimeOfDay {
    micros: i64,
    leaps: bool,
}

/// `HH:MM:SS`; the leap second 60 counts as the one before it, so that it stays in its day.
fn clock(text: &[u8]) -> Option<(TimeOfDay, &[u8])> {
    let ([h1, h2, b':', m1, m2, b':', s1, s2], rest) = text.split_first_chunk::<8>()? else {
        return None;
    };
    let (hour, minute, second) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?, number(&[*s1, *s2])?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = hour * 3600 + minute * 60 + second.min(59);
    Some((TimeOfDay { micros: i64::from(seconds) * SECOND, leaps: second == 60 }, rest))
}

/// The microseconds after a full stop; further digits are cut off.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.', rest @ ..] = text else { return Some((0, text)) };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = rest.split_at(count);
    let digit = |place| i64::from(digits.get(place).map_or(0, |digit| digit - b'0'));
    (count > 0).then(|| ((0..6).fold(0, |micros, place| micros * 10 + digit(place)), rest))
}

/// The zone: none, or microseconds east of UTC.
fn offset(text: &[u8]) -> Option<Option<i64>> {
    let (sign, digits) = match text {
        [] => return Some(None),
        [b'Z' | b'z'] => return Some(Some(0)),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let [h1, h2, b':', m1, m2] = digits else { return None };
    let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
    (hours <= 23 && minutes <= 59)
        .then(|| Some(sign * i64::from(hours * 60 + minutes) * 60 * SECOND))
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| {
        digit.is_ascii_digit().then(|| value * 10 + u32::from(digit - b'0'))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::ParsedTime;

    /// Shows a time as text, with `Z` when it is zoned.
    fn check(table: &[(&str, &str)]) {
        for (text, expected) in table {
            let shown = ParsedTime::parse(text).map_or("bad".to_string(), ParsedTime::text);
            assert_eq!(&shown, expected, "{text}");
        }
    }

    #[test]
    fn a_time_with_a_zone_is_an_instant() {
        check(&[
            ("2024-01-15T00:00:00Z", "2024-01-15T00:00:00Z"),
            ("2024-01-15t00:00:00z", "2024-01-15T00:00:00Z"),
            ("2024-01-15 01:02:03+00:00", "2024-01-15T01:02:03Z"),
            ("2024-01-15T00:30:00+05:30", "2024-01-14T19:00:00Z"),
            ("2024-02-29T23:00:00-23:59", "2024-03-01T22:59:00Z"),
            ("2024-01-15T00:00:00.5Z", "2024-01-15T00:00:00.500Z"),
            ("2024-01-15T00:00:00.1234569999999999999999Z", "2024-01-15T00:00:00.123456Z"),
            ("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999999Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
            ("2017-01-01T05:29:60+05:30", "2016-12-31T23:59:59Z"),
        ]);
    }

    #[test]
    fn a_time_without_a_zone_is_a_wall_clock_reading() {
        check(&[
            ("2024-01-15", "2024-01-15T00:00:00"),
            ("2024-01-15 10:20:30", "2024-01-15T10:20:30"),
            ("2024-01-15T10:20:30.000001", "2024-01-15T10:20:30.000001"),
            ("0001-01-01", "0001-01-01T00:00:00"),
            ("9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999"),
        ]);
    }

    #[test]
    fn anything_else_is_not_a_date() {
        let texts = [
            "",
            "today",
            "2024",
            "2024-01",
            "2024-1-5",
            "2024-13-01",
            "2024-00-10",
            "2023-02-29",
            "2024-02-30",
            "01/02/2024",
            "20240115",
            "2024-01-15T",
            "2024-01-15T10",
            "2024-01-15T10:20",
            "2024-01-15T24:00:00Z",
            "2024-01-15T10:60:00Z",
            "2024-01-15T10:20:61Z",
            "2024-01-15T10:20:60Z",
            "2024-01-15T10:20:30.Z",
            "2024-01-15T10:20:30+1:00",
            "2024-01-15T10:20:30+0100",
            "2024-01-15T10:20:30+24:00",
            "2024-01-15T10:20:30 UTC",
            " 2024-01-15",
            "2024-01-15 ",
            "0000-12-31",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "10000-01-01",
            "-001-01-01",
            "2024–01–15",
            "٢٠٢٤-01-15",
            "2024-01-1é",
            "+024-01-01",
        ];
        check(&texts.map(|text| (text, "bad")));
    }

    #[test]
    fn a_wall_clock_reading_is_an_instant_of_the_zone() {
        for (text, zone, expected) in [
            ("2024-06-01T12:00:00", "Europe/Paris", "2024-06-01T10:00:00Z"),
            ("2024-03-31T02:30:00", "Europe/Paris", "2024-03-31T01:30:00Z"),
            ("2024-10-27T02:30:00", "Europe/Paris", "2024-10-27T00:30:00Z"),
            ("2011-12-30T12:00:00", "Pacific/Apia", "2011-12-30T22:00:00Z"),
            ("2024-06-01T12:00:00Z", "Europe/Paris", "2024-06-01T12:00:00Z"),
        ] {
            let micros = ParsedTime::parse(text).unwrap().instant(zone.parse().unwrap());
            assert_eq!(ParsedTime { micros, zoned: true }.text(), expected, "{text} in {zone}");
        }
    }
}
