//! The rules of MRR: SQL steps over the records of a few customers at a time, and the refresh that
//! runs them over all.

mod calendar;
mod chunks;
mod customers;
mod functions;
mod last_running;
mod least_before;
mod moment;
mod outcome;
mod ratio;
mod refresh;
mod results;
mod run_tables;
mod steps;

pub(crate) use customers::Customers;
pub(crate) use functions::register as register_functions;
pub(crate) use moment::{Moment, date_value};
pub(crate) use refresh::{Changed, Refresh, Refusing, refresh};
pub(crate) use steps::PlannedSteps;
pub use steps::STEPS;
