//! The rules of MRR: SQL steps over the records of a few customers at a time, and the refresh that
//! runs them over all.

mod affected;
mod attempt;
mod calendar;
mod chunks;
mod customers;
mod functions;
mod last_running;
mod least_before;
mod parameters;
mod ratio;
mod refresh;
mod step_tables;
mod steps;
mod write_results;

pub(crate) use affected::{add_all, failing_customers, stale_customers};
pub(crate) use customers::Customers;
pub(crate) use functions::register as register_functions;
pub(crate) use parameters::date_value;
pub(crate) use refresh::{FailurePolicy, Refresh, RefreshScope, refresh};
pub(crate) use steps::Rules;
pub use steps::STEPS;
