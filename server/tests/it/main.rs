//! The server, tested over HTTP.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod api_client;
mod client_records;
mod connections;
mod contract;
mod custom_pushes;
mod listening_server;
mod plan_groups;
mod pull;
mod reads;
mod record_lists;
mod uploads;
