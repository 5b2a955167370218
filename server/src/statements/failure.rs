//! Why a statement has no answer, or not all of it.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use mrrow_engine::Error;
use serde::{Deserialize, Serialize};

/// A part of the Rust runtime's message about a stack overflow
/// (`std::sys::pal::unix::stack_overflow`).
const STACK_OVERFLOW_TEXT: &str = "has overflowed its stack";
/// A part of the Rust runtime's message about a failed allocation (`std::alloc`).
const OUT_OF_MEMORY_TEXT: &str = "memory allocation of";

const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

/// Why a statement has no answer, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum StatementFailure {
    /// The server has no program that runs statements.
    #[error("this server was started without a program for statements; \"mrrow serve\" has one")]
    Unavailable,
    /// Too many statements run and wait.
    #[error("too many statements run; send it again in a second")]
    Busy,
    /// The statement is wrong, or fails on a row.
    #[error("{0}")]
    Invalid(String),
    /// The statement is not a query.
    #[error("{0}")]
    NotAllowed(String),
    /// The statement exceeds a limit other than its time.
    #[error("{0}")]
    Limit(String),
    /// The statement exceeds its time.
    #[error(
        "the statement took longer than {} ms; let it read less, or give it more with \
         \"timeout_ms\"",
        .0.as_millis()
    )]
    Timeout(Duration),
    /// The server fails; the message is for its log.
    #[error("{0}")]
    Internal(String),
}

impl StatementFailure {
    pub(super) fn internal(message: impl Into<String>) -> StatementFailure {
        StatementFailure::Internal(message.into())
    }

    /// The cause of a worker's end without a last frame, from its exit status and its stderr.
    pub(super) fn of_exit(
        status: Option<ExitStatus>,
        stderr: &str,
        time: Duration,
    ) -> StatementFailure {
        if stderr.contains(STACK_OVERFLOW_TEXT) {
            let message = "the statement is nested too deeply; write it flatter";
            return StatementFailure::Limit(message.to_string());
        }
        let signal = status.and_then(|status| status.signal());
        if stderr.contains(OUT_OF_MEMORY_TEXT) || signal == Some(SIGKILL) {
            let message =
                "the statement needs more memory than it may use; let it read, sort or group less";
            return StatementFailure::Limit(message.to_string());
        }
        if signal == Some(SIGXCPU) {
            return StatementFailure::Timeout(time);
        }
        let status = status.map_or_else(|| "unknown".to_string(), |status| status.to_string());
        tracing::warn!(%status, stderr, "the process of a statement died");
        let message = "the statement made its process fail; write it in another way";
        StatementFailure::Invalid(message.to_string())
    }
}

impl From<Error> for StatementFailure {
    fn from(error: Error) -> StatementFailure {
        let message = error.to_string();
        match error {
            Error::Sql(_) => StatementFailure::Invalid(message),
            Error::SqlNotAllowed(_) => StatementFailure::NotAllowed(message),
            Error::SqlTooLarge(_) => StatementFailure::Limit(message),
            _ => StatementFailure::Internal(message),
        }
    }
}
