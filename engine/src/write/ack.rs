//! Acknowledgement: requests queue, are validated, made durable together, and answered.

mod commit_loop;
mod idempotency;
pub(super) mod inbox_codec;
mod pending;
mod queue;
mod request;
mod unpublished;
mod validate;

pub use idempotency::IdempotencyKey;
pub(crate) use queue::Acknowledger;
pub(crate) use request::{Decoder, Deletion, Request};
