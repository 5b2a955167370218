//! How a book writes its dates: bare, without zone, or with one; the same instant in several
//! spellings.

use chrono_tz::Tz;

use super::super::interpreter::calendar::{Day, day_text};
use super::super::interpreter::moments::moment;
use super::chance::Chance;

#[derive(Debug, Clone, Copy)]
pub struct Pen {
    pub zone: Tz,
    pub habit: Habit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    Bare,
    MidnightUtc,
    /// Local midnight in any spelling: most dates of one day are one instant.
    LocalMidnight,
    AnyHour,
}

impl Pen {
    /// A date that mostly falls on that local day.
    pub fn date(self, chance: &mut Chance, day: Day) -> String {
        if chance.percent(6) {
            let second = hour_of_day(chance);
            return self.spell(chance, day, second);
        }
        match self.habit {
            Habit::Bare => day_text(day),
            Habit::MidnightUtc => format!("{}T00:00:00Z", day_text(day)),
            Habit::LocalMidnight => self.spell(chance, day, 0),
            Habit::AnyHour => {
                let second = hour_of_day(chance);
                self.spell(chance, day, second)
            }
        }
    }

    /// An exclusive end on that day, or the last minute of the day before.
    pub fn end(self, chance: &mut Chance, day: Day) -> String {
        if chance.percent(15) {
            let second =
                chance.pick(&[LAST_SECOND, LAST_SECOND - 59, LAST_SECOND - 60, LAST_SECOND - 20]);
            return self.spell(chance, day - 1, second);
        }
        self.date(chance, day)
    }

    /// A few hours after a written date.
    pub fn soon_after(self, chance: &mut Chance, written: &str) -> String {
        let second =
            moment(written, self.zone).at.div_euclid(1_000_000) + chance.between(1, 20 * 3600);
        spell_instant(second, "", 0)
    }

    fn spell(self, chance: &mut Chance, day: Day, second: i64) -> String {
        let local = format!("{}T{}", day_text(day), clock(second));
        let instant = moment(&local, self.zone).at.div_euclid(1_000_000);
        let fraction = chance.pick(&["", "", "", ".000", ".25", ".123456", ".1234569"]);
        match chance.between(0, 4) {
            0 if second == 0 => day_text(day),
            0 | 1 => local,
            2 => spell_instant(instant, if second == 0 { "" } else { fraction }, 0),
            3 => spell_instant(instant, "", chance.pick(&[330, -480, 60, -210])),
            // Several instants inside one second; only some of them survive the cut to
            // microseconds.
            _ if second != 0 => format!("{local}{fraction}"),
            _ => local,
        }
    }
}

fn hour_of_day(chance: &mut Chance) -> i64 {
    let hour = chance.pick(&[
        0,
        1800,
        9000,
        10_800,
        32_400,
        43_200,
        43_200,
        64_800,
        72_000,
        82_800,
        LAST_SECOND,
    ]);
    if chance.percent(10) { chance.between(0, LAST_SECOND) } else { hour }
}

fn spell_instant(second: i64, fraction: &str, offset_minutes: i64) -> String {
    let wall = second + offset_minutes * 60;
    let written = format!(
        "{}T{}{fraction}",
        day_text(wall.div_euclid(86_400)),
        clock(wall.rem_euclid(86_400))
    );
    if offset_minutes == 0 {
        return format!("{written}Z");
    }
    let sign = if offset_minutes < 0 { '-' } else { '+' };
    let size = offset_minutes.abs();
    format!("{written}{sign}{:02}:{:02}", size / 60, size % 60)
}

fn clock(second: i64) -> String {
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

const LAST_SECOND: i64 = 86_399;
