//! Dates as different tools write them (§1.2).

use chrono::{DateTime, Duration, NaiveDateTime, NaiveTime};

use super::random::Random;
use crate::second_edition::interpreter::calendar::{Day, Zone};

/// How a date is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// Only the local day.
    Bare,
    /// The local time, without a zone.
    Local,
    /// The instant, in UTC.
    Utc,
    /// The instant, in another offset.
    Offset,
    /// The instant, with a blank for the T and `+00`.
    Spaced,
    /// The wall clock is that of UTC, not of the account.
    UtcWall,
}

/// A point in time before it is written.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    pub wall: NaiveDateTime,
    pub writing: Writing,
}

impl Stamp {
    pub fn new(day: Day, clock: NaiveTime, writing: Writing) -> Stamp {
        Stamp { wall: day.and_time(clock), writing }
    }

    pub fn bare(day: Day) -> Stamp {
        Stamp::new(day, NaiveTime::MIN, Writing::Bare)
    }

    pub fn plus(self, duration: Duration) -> Stamp {
        Stamp { wall: self.wall + duration, writing: self.writing }
    }

    pub fn text(&self, zone: Zone) -> String {
        let format = |time: NaiveDateTime, format: &str| time.format(format).to_string();
        let utc = || {
            let instant = DateTime::from_timestamp_micros(zone.local(self.wall).instant);
            instant.expect("a date of a book is in the calendar").naive_utc()
        };
        match self.writing {
            Writing::Bare => format(self.wall, "%Y-%m-%d"),
            Writing::Local => format(self.wall, "%Y-%m-%dT%H:%M:%S%.f"),
            Writing::Utc => format(utc(), "%Y-%m-%dT%H:%M:%S%.fZ"),
            Writing::Offset => format(utc() + Duration::minutes(330), "%Y-%m-%dT%H:%M:%S%.f+05:30"),
            Writing::Spaced => format(utc(), "%Y-%m-%d %H:%M:%S%.f+00"),
            Writing::UtcWall => format(self.wall, "%Y-%m-%dT%H:%M:%S%.fZ"),
        }
    }
}

/// A time of day: often midnight, often the last minute, else any.
pub fn clock(random: &mut Random) -> NaiveTime {
    let of = |hour, minute, second, micro| {
        NaiveTime::from_hms_micro_opt(hour, minute, second, micro).expect("the time exists")
    };
    match random.between(0, 11) {
        0..=4 => NaiveTime::MIN,
        5 => of(9, 0, 0, 0),
        6 => of(23, 59, 59, 0),
        7 => of(15, 37, 0, 0),
        8 => of(2, 30, 0, 0),
        9 => of(23, 30, 0, 0),
        10 => of(0, 0, 1, 500_000),
        _ => {
            let seconds = u32::try_from(random.between(0, 86_399)).expect("a day is short");
            of(seconds / 3600, seconds / 60 % 60, seconds % 60, 0)
        }
    }
}

pub fn writing(random: &mut Random) -> Writing {
    *random.pick(&[
        Writing::Bare,
        Writing::Bare,
        Writing::Local,
        Writing::Utc,
        Writing::Utc,
        Writing::Utc,
        Writing::Offset,
        Writing::Spaced,
        Writing::UtcWall,
        Writing::UtcWall,
    ])
}
