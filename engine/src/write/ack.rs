//! Acknowledgement: requests are queued, validated, made durable together, and answered.

mod options;
mod answer;
mod request;
pub(super) mod inbox_codec;
mod pending;
mod candidate;
mod validate;
mod idempotency;
mod group;
mod unpublished;
mod message;
mod commit_loop;
mod queue;

pub use answer::{PushResult, PushedRow};
pub use options::{IdempotencyKey, PushOptions};
pub(crate) use queue::AckQueue;
pub(crate) use request::{Decoder, Deletion, Request};
