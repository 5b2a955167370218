//! SQL statements, each in a process of its own: nothing that a statement does can take the server
//! down.

pub(crate) mod wire;

mod confine;
mod types;
mod worker;

pub(crate) mod failure;

pub(crate) mod child;

pub(crate) use child::Workers;
pub use worker::run as run_sql_worker;
