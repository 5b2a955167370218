//! HTTP without any noun: connections, the layers around every route, and what handlers take out of
//! a request.

pub(crate) mod connections;

pub(crate) mod caller;
pub(crate) mod extract;
pub(crate) mod request_id;

pub(crate) mod data_source;
pub(crate) mod idempotency;
pub(crate) mod min_sequence;
pub(crate) mod not_implemented;
pub(crate) mod response_format;
pub(crate) mod success;

pub(crate) mod openapi;
