//! The texts of dates that §1.2 accepts.

use chrono::{Duration, NaiveDate, NaiveDateTime, NaiveTime};

use super::calendar::{Moment, Zone, is_in_calendar};

/// Reads a date; one without a zone is local in `zone`.
pub fn read_moment(text: &str, zone: Zone) -> Result<Moment, String> {
    let wrong = || format!("\"{text}\" is not a date, for example 2024-01-31T09:00:00Z");
    let text_of_day = text.get(..10).ok_or_else(wrong)?;
    let day = NaiveDate::parse_from_str(text_of_day, "%Y-%m-%d").map_err(|_| wrong())?;
    if text.len() == 10 {
        return Ok(zone.bare(day));
    }
    let rest = text[10..].strip_prefix(['T', 't', ' ']).ok_or_else(wrong)?;
    let length = rest.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.');
    let (clock, offset) = rest.split_at(length.unwrap_or(rest.len()));
    let local = day.and_time(read_clock(clock).ok_or_else(wrong)?);
    if offset.is_empty() {
        return Ok(zone.local(local));
    }
    let seconds = read_offset(offset.trim_start()).ok_or_else(wrong)?;
    let utc: NaiveDateTime = local - Duration::seconds(seconds);
    if is_in_calendar(utc.date()) { Ok(zone.moment(utc)) } else { Err(wrong()) }
}

/// HH:MM, HH:MM:SS, or with a fraction, of which microseconds are kept.
fn read_clock(text: &str) -> Option<NaiveTime> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut numbers = whole.split(':').map(|part| part.parse::<u32>().ok());
    let (hour, minute) = (numbers.next()??, numbers.next()??);
    let second = numbers.next().unwrap_or(Some(0))?;
    let mut digits: String = fraction.chars().take(6).collect();
    while digits.len() < 6 {
        digits.push('0');
    }
    NaiveTime::from_hms_micro_opt(hour, minute, second, digits.parse().ok()?)
}

/// Seconds east of UTC of Z, UTC, +HH, +HHMM and +HH:MM.
fn read_offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z" | "UTC") {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.strip_prefix(['+', '-'])?.replace(':', "");
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = if digits.len() == 2 { 0 } else { digits.get(2..4)?.parse().ok()? };
    Some(sign * (hours * 3600 + minutes * 60))
}

#[test]
fn dates_of_widespread_tools_are_read() {
    let zone = Zone::named("America/New_York").expect("the zone exists");
    let instant = |text| read_moment(text, zone).expect("the text is a date").instant;
    let expected = instant("2024-02-01T05:00:00Z");
    for text in [
        "2024-02-01",
        "2024-02-01T00:00",
        "2024-02-01 05:00:00+00",
        "2024-02-01 05:00:00.000000 UTC",
        "2024-02-01T06:30:00.000+0130",
    ] {
        assert_eq!(instant(text), expected, "{text}");
    }
    // The clocks skip 02:30; it has the offset before the gap, and is 03:30.
    assert_eq!(instant("2024-03-10T02:30:00"), instant("2024-03-10T07:30:00Z"));
    // The clocks show 01:30 twice; the first counts.
    assert_eq!(instant("2024-11-03T01:30:00"), instant("2024-11-03T05:30:00Z"));
    assert!(read_moment("2024-02-30", zone).is_err());
}
