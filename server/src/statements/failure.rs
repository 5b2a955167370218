//! Why a statement gave no answer, in the words of the API.

use std::process::ExitStatus;
use std::time::Duration;

use axum::http::StatusCode;

use super::wire::{Failure, FailureKind};
use crate::error::ApiError;

/// What an overflown stack, and memory that is not given, make the Rust runtime say (`std::alloc`,
/// `std::sys::pal::unix::stack_overflow`).
const STACK_SAYS: &str = "has overflowed its stack";
const MEMORY_SAYS: &str = "memory allocation of";

pub(crate) fn limit(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "sql_limit", message)
}

pub(crate) fn timeout(time: Duration) -> ApiError {
    let message = format!(
        "the statement took longer than {} ms; let it read less, or give it more with \"timeout_ms\"",
        time.as_millis()
    );
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "sql_timeout", message)
}

/// What a child told.
pub(crate) fn told(failure: Failure) -> ApiError {
    match failure.kind {
        FailureKind::Invalid => ApiError::bad_request("sql_invalid", failure.message),
        FailureKind::NotAllowed => ApiError::bad_request("sql_not_allowed", failure.message),
        FailureKind::Limit => limit(failure.message),
        FailureKind::Internal => {
            ApiError::internal(format!("run a statement: {}", failure.message))
        }
    }
}

/// What it means that a child ended without a word.
pub(crate) fn died(status: Option<ExitStatus>, said: &str, time: Duration) -> ApiError {
    const OUT_OF_CPU: i32 = 24;
    const KILLED: i32 = 9;
    if said.contains(STACK_SAYS) {
        return limit("the statement is nested too deeply; write it flatter");
    }
    let signal = status.and_then(|status| std::os::unix::process::ExitStatusExt::signal(&status));
    if said.contains(MEMORY_SAYS) || signal == Some(KILLED) {
        return limit(
            "the statement needs more memory than it may use; let it read, sort or group less",
        );
    }
    if signal == Some(OUT_OF_CPU) {
        return timeout(time);
    }
    let status =
        status.map_or_else(|| "it is not known how".to_string(), |status| status.to_string());
    tracing::warn!(%status, said, "a statement's process died");
    ApiError::bad_request(
        "sql_invalid",
        "the statement made its process fail; write it in another way",
    )
}
