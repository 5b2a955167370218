//! Days as numbers: how columns hold them, and as dates.

use chrono::{Datelike, NaiveDate};

const EPOCH_FROM_CE: i32 = 719_163;

/// The date of a day number; none outside chrono's range of some 262,000 years.
pub(crate) fn date_of(day: i32) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(day.checked_add(EPOCH_FROM_CE)?)
}

/// Days since 1970-01-01.
pub(crate) fn day_number(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - EPOCH_FROM_CE
}
