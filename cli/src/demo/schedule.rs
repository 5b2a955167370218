//! The schedule: the customers that act on each day.

use chrono::NaiveDate;

/// Customers by the next day on which each acts.
pub(super) struct Schedule {
    first: NaiveDate,
    days: Vec<Vec<u32>>,
}

impl Schedule {
    pub(super) fn new(first: NaiveDate, last: NaiveDate) -> Schedule {
        let days = (last - first).num_days() + 1;
        Schedule { first, days: (0..days).map(|_| Vec::new()).collect() }
    }

    /// Adds the next day of a customer. A day after the end of the history is dropped.
    pub(super) fn add(&mut self, day: Option<NaiveDate>, customer: u32) {
        if let Some(index) = day.and_then(|day| self.index(day))
            && let Some(customers) = self.days.get_mut(index)
        {
            customers.push(customer);
        }
    }

    /// Removes and returns the customers of a day.
    pub(super) fn take(&mut self, day: NaiveDate) -> Vec<u32> {
        let index = self.index(day);
        index.and_then(|index| self.days.get_mut(index)).map(std::mem::take).unwrap_or_default()
    }

    fn index(&self, day: NaiveDate) -> Option<usize> {
        usize::try_from((day - self.first).num_days()).ok()
    }
}
