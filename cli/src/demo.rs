//! An invented company of any size: its customers, plans and invoices, day by day, the same for the
//! same arguments.

mod agenda;
mod catalogue;
mod chance;
mod charge;
mod customer;
mod fate;
mod files;
mod invoice;
mod profile;
mod signups;

use std::io::Result;

use chrono::{Datelike, Days, Months, NaiveDate};
use fastrand::Rng;

use agenda::Agenda;
use customer::Customer;
use invoice::Invoice;
use profile::Profile;

pub(crate) use files::{Files, NAMES, Written};

/// What a company is made from; nothing else decides a byte of it.
#[derive(Debug, Clone)]
pub(crate) struct Company {
    /// How many customers sign up in all.
    pub(crate) customers: u32,
    /// The first day of its history.
    pub(crate) first: NaiveDate,
    /// The last day of its history.
    pub(crate) last: NaiveDate,
    /// Chance begins here.
    pub(crate) seed: u64,
}

impl Company {
    /// A company with so many months of history up to the end of a month, of which any day is
    /// given.
    pub(crate) fn new(customers: u32, months: u32, until: NaiveDate, seed: u64) -> Company {
        let end = until - Days::new(until.day0().into()) + Months::new(1);
        Company { customers, first: end - Months::new(months), last: end - Days::new(1), seed }
    }

    /// Writes all its records, invoices in the order of their dates. What is held is a few words
    /// for each customer and the invoices of one day.
    pub(crate) fn write(&self, files: &mut Files) -> Result<()> {
        catalogue::write(&mut files.plans)?;
        let mut chance = Rng::with_seed(self.seed);
        let mut agenda = Agenda::new(self.first, self.last);
        let mut customers: Vec<Customer> = Vec::with_capacity(self.customers as usize);
        let mut invoices: Vec<Invoice> = Vec::new();
        for (day, newcomers) in signups::by_day(self) {
            for number in (customers.len()..).take(newcomers).map(|number| number as u32) {
                let mut own = chance.fork();
                let profile = Profile::invent(number, day, &mut own);
                files.customers.line(|out| profile.write(out))?;
                let (customer, begins) = Customer::sign_up(&profile, own);
                agenda.note(begins, number);
                customers.push(customer);
            }
            for number in agenda.take(day) {
                let next = customers[number as usize].live(day, &mut invoices);
                agenda.note(next, number);
            }
            invoices.sort_by_key(Invoice::second);
            for invoice in invoices.drain(..) {
                let id = files.invoices.rows() + 1;
                files.invoices.line(|out| invoice.write(id, out))?;
            }
        }
        Ok(())
    }
}
