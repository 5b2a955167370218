//! The HTTP face, as its clients see it.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod calls;
mod client_records;
mod contract;
mod listener;
mod page_pushes;
mod pull;
mod reads;
mod running;
mod uploads;
