//! The HTTP face of the engine: push, pull, reads, SQL and keys over one data directory.
//!
//! [`Server::bind`] takes an opened engine and an address; [`Server::run`] answers until it is told
//! to stop. `routes.rs` is the table of contents of the API, [`openapi`] its contract.

mod config;
mod connections;
mod serve;

mod app;
mod routes;

mod caller;
mod error;
mod extract;
mod published;
mod request_id;

mod health;
mod imports;
mod keys;
mod later;
pub mod local;
mod metrics;
mod openapi;
mod plan_groups;
mod pull;
mod push;
mod reads;
mod records;
mod sources;
mod sql;

pub use config::{Limits, ServerConfig, Tls};
pub use openapi::openapi;
pub use pull::{Allowed, PullLimits};
pub use serve::{Random, Server};
pub use sql::{SqlLimits, SqlWorker, run_sql_worker};
