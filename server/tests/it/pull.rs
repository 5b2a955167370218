//! Pull mode against a real endpoint: whatever it does, the sync ends as it should.

mod endpoint;
mod mrrow;

mod configured;
mod controlled;
mod fetched;
mod guarded;
mod retried;
mod scheduled;
mod secrets;
mod stopped;
