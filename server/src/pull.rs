//! Pull mode: a data source's records are fetched from its owner's endpoint, page by page, and
//! pushed like any others.
//!
//! A sync asks for `{endpoint}/customers`, `/plans` and `/invoices` in turn. It is a job: whatever
//! ends it, what was stored stays, and where it stopped is kept, so that it can go on there.

pub(crate) mod kept;
pub(crate) mod schedule;
pub(crate) mod scheduler;
pub(crate) mod settings;
pub(crate) mod syncs;

pub(crate) mod progress;
mod sync;

mod body;
mod fetch;
mod page;

pub(crate) mod address;
pub(crate) mod credentials;
mod failure;
mod secret_key;

pub use address::Allowed;
pub(crate) use scheduler::keep_schedules;
pub(crate) use syncs::Syncs;
