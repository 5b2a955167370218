//! The server, tested over HTTP.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod api_client;
mod client_records;
mod connections;
mod contract;
mod custom_pushes;
mod listening_server;
mod pull;
mod reads;
mod uploads;
