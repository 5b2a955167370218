//! Records in: the dialect of GrowPanel's Custom API page, and that of its client libraries.

mod answer;
mod body;
mod clients;
mod format;
mod once;
mod page;

pub(crate) use answer::{Pointer, invalid_records};
pub(crate) use clients::routes as client_routes;
pub(crate) use page::routes;
