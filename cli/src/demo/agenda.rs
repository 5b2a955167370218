//! Which customer has something to do on which day.

use chrono::NaiveDate;

/// Customers by the one day each of them waits for.
pub(super) struct Agenda {
    first: NaiveDate,
    days: Vec<Vec<u32>>,
}

impl Agenda {
    pub(super) fn new(first: NaiveDate, last: NaiveDate) -> Agenda {
        let days = (last - first).num_days() + 1;
        Agenda { first, days: (0..days).map(|_| Vec::new()).collect() }
    }

    /// Notes a customer's next day; none, or one after the end of the history, is never come to.
    pub(super) fn note(&mut self, day: Option<NaiveDate>, customer: u32) {
        if let Some(index) = day.and_then(|day| self.index(day))
            && let Some(customers) = self.days.get_mut(index)
        {
            customers.push(customer);
        }
    }

    /// The customers of a day, which is over then.
    pub(super) fn take(&mut self, day: NaiveDate) -> Vec<u32> {
        let index = self.index(day);
        index.and_then(|index| self.days.get_mut(index)).map(std::mem::take).unwrap_or_default()
    }

    fn index(&self, day: NaiveDate) -> Option<usize> {
        usize::try_from((day - self.first).num_days()).ok()
    }
}
