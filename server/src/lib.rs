//! The HTTP face of the engine: push, pull, reads, SQL and keys over one data directory.
//!
//! [`Server::bind`] takes an open engine and an address; [`Server::run`] serves until it is
//! stopped. `routes.rs` is the table of contents of the API, [`openapi`] its contract.
//!
//! Modules stand in reading order: each uses those before it.

mod config;
mod error;
mod metrics;
mod random;

pub mod rows;
mod statements;

mod pull;

mod http;
mod snapshots;

mod api;
pub mod local;

mod app;
mod routes;
mod serve;

pub use config::{AllowedDestination, Limits, PullLimits, ServerConfig, SqlLimits, SqlWorker, Tls};
pub use random::Random;
pub use routes::openapi;
pub use serve::Server;
pub use statements::run_sql_worker;
