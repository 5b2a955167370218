//! HTTP without nouns: connections, the layers around every route, extractors, and the OpenAPI
//! document.

pub(crate) mod connections;

pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod extract;
pub(crate) mod random;

pub(crate) mod min_sequence;
pub(crate) mod not_implemented;
pub(crate) mod request_id;

pub(crate) mod data_source;
pub(crate) mod idempotency;
pub(crate) mod path_segment;
pub(crate) mod response_format;
pub(crate) mod success;

pub(crate) mod openapi;
