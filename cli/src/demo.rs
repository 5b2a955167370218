//! Generates an invented company: customers, plans and invoices, day by day. Equal arguments give
//! equal bytes.

mod files;
mod random_choice;

mod charge;
mod plan;

mod invoice;
mod profile;

mod monthly_event;

mod customer;
mod schedule;
mod signups;

mod company;

pub(crate) use company::Company;
pub(crate) use files::{DemoFiles, FILE_NAMES, FileSummary};
