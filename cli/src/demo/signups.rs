//! The number of sign-ups per day: it grows, and is lower at weekends.

use chrono::{Datelike, NaiveDate};

/// Every day of the history with its number of sign-ups. Their sum is the number of customers.
pub(super) fn by_day(
    customers: u32,
    first: NaiveDate,
    last: NaiveDate,
) -> impl Iterator<Item = (NaiveDate, usize)> {
    let customers = u64::from(customers);
    let days = (last - first).num_days().unsigned_abs() + 1;
    let weights: Vec<u64> =
        first.iter_days().zip(0..days).map(|(day, index)| weight(day, index, days)).collect();
    let total: u64 = weights.iter().sum();
    let mut weight_so_far = 0;
    first.iter_days().zip(weights).map(move |(day, weight)| {
        let before = customers * weight_so_far / total;
        weight_so_far += weight;
        (day, (customers * weight_so_far / total - before) as usize)
    })
}

/// The last day of the history has six times the weight of the first.
fn weight(day: NaiveDate, index: u64, days: u64) -> u64 {
    let is_weekend = day.weekday().number_from_monday() > 5;
    (days / 5 + 1 + index) * if is_weekend { 2 } else { 5 }
}
