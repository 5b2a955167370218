//! Rows as bytes: the forms of an answer, and the one encoder of all of them.

mod encode;
mod format;

pub(crate) use encode::{Encoder, JsonRow, json_text};
pub(crate) use format::{Format, Wanted};
