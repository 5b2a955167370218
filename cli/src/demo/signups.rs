//! How many customers sign up on each day: ever more, and few at weekends.

use chrono::{Datelike, NaiveDate};

use super::Company;

/// Every day of the history with its new customers; together they are exactly those of the company.
pub(super) fn by_day(company: &Company) -> impl Iterator<Item = (NaiveDate, usize)> {
    let customers = u64::from(company.customers);
    let days = (company.last - company.first).num_days().unsigned_abs() + 1;
    let weights: Vec<u64> = company
        .first
        .iter_days()
        .zip(0..days)
        .map(|(day, index)| weight(day, index, days))
        .collect();
    let total: u64 = weights.iter().sum();
    let mut passed = 0;
    company.first.iter_days().zip(weights).map(move |(day, weight)| {
        let before = customers * passed / total;
        passed += weight;
        (day, (customers * passed / total - before) as usize)
    })
}

/// The last day of the history counts six times its first.
fn weight(day: NaiveDate, index: u64, days: u64) -> u64 {
    let is_weekend = day.weekday().number_from_monday() > 5;
    (days / 5 + 1 + index) * if is_weekend { 2 } else { 5 }
}
