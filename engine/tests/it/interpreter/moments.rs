//! What a written date means in the account's timezone: an instant, a local day, a wall clock
//! (§1.2, §3.1).

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::calendar::{Day, day_of};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds since 1970 in UTC.
    pub at: i64,
    pub day: Day,
    /// Its local time is 23:59.
    pub is_last_minute: bool,
}

impl Moment {
    /// The exclusive end day that this moment states as a `period_end` (§3.2).
    pub fn end_day(self) -> Day {
        self.day + i64::from(self.is_last_minute)
    }
}

/// Reads `2024-01-31`, `2024-01-31T12:00:00` (both local) or `2024-01-31T12:00:00.5+05:30`.
pub fn moment(text: &str, zone: Tz) -> Moment {
    let day = day_of(number(&text[0..4]), number(&text[5..7]), number(&text[8..10]));
    if text.len() == 10 {
        return local_moment(day, 0, 0, zone);
    }
    let clock_end = 11 + text[11..].find(['Z', 'z', '+', '-']).unwrap_or(text.len() - 11);
    let (clock, offset) = (&text[11..clock_end], &text[clock_end..]);
    let second = clock_second(clock);
    let fraction = clock_microsecond(clock);
    match offset {
        "" => local_moment(day, second, fraction, zone),
        _ => instant_moment(
            (day * DAY_SECONDS + second - offset_seconds(offset)) * 1_000_000 + fraction,
            zone,
        ),
    }
}

fn instant_moment(at: i64, zone: Tz) -> Moment {
    let second = at.div_euclid(1_000_000);
    let wall = second + offset_at(second, zone);
    wall_moment(at, wall)
}

/// The earlier of two possible instants; in a gap, the offset before it.
fn local_moment(day: Day, second_of_day: i64, microsecond: i64, zone: Tz) -> Moment {
    let wall = day * DAY_SECONDS + second_of_day;
    // A day's distance in UTC is on the other side of any transition near this wall clock.
    let before = offset_at(wall - DAY_SECONDS, zone);
    let after = offset_at(wall + DAY_SECONDS, zone);
    let exact = [before, after].into_iter().map(|offset| (wall - offset, offset));
    let second = exact
        .filter(|&(second, offset)| offset_at(second, zone) == offset)
        .map(|(second, _)| second)
        .min()
        .unwrap_or(wall - before);
    wall_moment(second * 1_000_000 + microsecond, wall)
}

fn wall_moment(at: i64, wall: i64) -> Moment {
    let is_last_minute = wall.rem_euclid(DAY_SECONDS) / 60 == 23 * 60 + 59;
    Moment { at, day: wall.div_euclid(DAY_SECONDS), is_last_minute }
}

/// The zone's offset from UTC, in seconds, at an instant given in seconds.
fn offset_at(second: i64, zone: Tz) -> i64 {
    let instant =
        DateTime::from_timestamp(second, 0).expect("the year has four digits").naive_utc();
    i64::from(zone.offset_from_utc_datetime(&instant).fix().local_minus_utc())
}

fn clock_second(clock: &str) -> i64 {
    let seconds = if clock.len() >= 8 { number(&clock[6..8]) } else { 0 };
    number(&clock[0..2]) * 3600 + number(&clock[3..5]) * 60 + seconds
}

/// The fraction, cut after six digits.
fn clock_microsecond(clock: &str) -> i64 {
    let Some((_, fraction)) = clock.split_once('.') else {
        return 0;
    };
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    number(&digits)
}

fn offset_seconds(offset: &str) -> i64 {
    if offset.eq_ignore_ascii_case("z") {
        return 0;
    }
    let size = number(&offset[1..3]) * 3600 + number(&offset[4..6]) * 60;
    if offset.starts_with('-') { -size } else { size }
}

fn number(digits: &str) -> i64 {
    digits.parse().expect("a book holds valid dates")
}

const DAY_SECONDS: i64 = 86_400;
