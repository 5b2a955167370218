//! The error answers of statements.

use std::time::Duration;

use axum::http::StatusCode;

use crate::error::ApiError;
use crate::statements::StatementFailure;

/// The pause that a client should make when too many statements run.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The statement or its answer exceeds a limit.
pub(super) fn limit_exceeded(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "sql_limit", message)
}

impl From<StatementFailure> for ApiError {
    fn from(failure: StatementFailure) -> ApiError {
        let message = failure.to_string();
        match failure {
            StatementFailure::Unavailable => {
                ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "sql_unavailable", message)
            }
            StatementFailure::Busy => ApiError::try_again("overloaded", message, RETRY_AFTER),
            StatementFailure::Invalid(_) => ApiError::bad_request("sql_invalid", message),
            StatementFailure::NotAllowed(_) => ApiError::bad_request("sql_not_allowed", message),
            StatementFailure::Limit(_) => limit_exceeded(message),
            StatementFailure::Timeout(_) => {
                ApiError::new(StatusCode::REQUEST_TIMEOUT, "sql_timeout", message)
            }
            StatementFailure::Internal(_) => {
                ApiError::internal(format!("run a statement: {message}"))
            }
        }
    }
}
