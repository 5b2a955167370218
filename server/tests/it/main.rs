//! The HTTP face, as its clients see it.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod contract;
mod listener;
mod pull;
mod running;
mod uploads;
