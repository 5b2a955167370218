//! SQL statements, each in a process of its own: no statement can take the server down, read other
//! files, or use more than its share of memory and time.
//!
//! ```text
//! Statements::place ──> start ──> worker: confine, plan, run ──> events: columns, rows, end
//! ```
//!
//! This room has no HTTP. Rows arrive encoded in the format of the statement, so that another
//! protocol can stand beside `api/sql.rs`.

mod failure;
mod protocol;

mod confine;
mod worker;

mod child;
mod running;

pub(crate) use failure::StatementFailure;
pub(crate) use protocol::{Statement, StatementColumn, StatementEnd, StatementEvent};
pub(crate) use running::{RunningStatement, Statements};
pub use worker::run as run_sql_worker;
