//! The one shape of every error answer.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use mrrow_engine::Error;
use serde::Serialize;
use utoipa::ToSchema;

/// The result of a handler.
pub(crate) type Result<T, E = ApiError> = std::result::Result<T, E>;

/// Why a request was not carried out. The body is written by `request_id.rs`, which knows the
/// request's id.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) errors: Vec<ErrorDetail>,
    /// What the answer's head has besides; boxed, since results are handed on by value.
    pub(crate) headers: Box<HeaderMap>,
}

/// An error answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// What is wrong and what would fix it, for people.
    pub(crate) error: String,
    /// The same as `error`.
    pub(crate) message: String,
    /// What kind of error, for programs.
    #[schema(example = "data_source_not_found")]
    pub(crate) code: String,
    /// Each thing that is wrong, where there are several.
    pub(crate) errors: Vec<ErrorDetail>,
    /// The request's id, which the server's log has too.
    pub(crate) request_id: String,
}

/// One thing that is wrong with a request. Every key is there; those that do not apply are null.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ErrorDetail {
    /// Which object of a batch, counted from 0.
    pub(crate) index: Option<u64>,
    /// In NDJSON and CSV the line on which the object begins, counted from 1.
    pub(crate) line: Option<u64>,
    /// The object's id, if it has one.
    pub(crate) id: Option<String>,
    /// Where in a JSON request: a JSON pointer.
    pub(crate) pointer: Option<String>,
    /// The field or parameter; null of what is wrong with the whole object or request.
    pub(crate) field: Option<String>,
    /// What kind of error.
    pub(crate) code: String,
    /// What is wrong and what would fix it.
    pub(crate) message: String,
    /// The value refused, as text; null of one that is missing.
    pub(crate) value: Option<String>,
}

impl ApiError {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
    ) -> ApiError {
        ApiError {
            status,
            code,
            message: message.into(),
            errors: Vec::new(),
            headers: Box::default(),
        }
    }

    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// A parameter or field of the request that is wrong.
    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> ApiError {
        let message = message.into();
        let detail = ErrorDetail {
            field: Some(field.to_string()),
            code: "invalid_value".to_string(),
            message: message.clone(),
            ..ErrorDetail::default()
        };
        ApiError::bad_request("invalid_request", message).with_errors(vec![detail])
    }

    pub(crate) fn unauthorized(message: &str) -> ApiError {
        ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
            .with_header(axum::http::header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    pub(crate) fn not_found(code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(crate) fn conflict(code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::CONFLICT, code, message)
    }

    pub(crate) fn data_source_not_found(id: &str) -> ApiError {
        ApiError::not_found(
            "data_source_not_found",
            format!("there is no data source \"{id}\"; GET /v1/data-sources lists them"),
        )
    }

    /// The request may succeed when it comes again.
    pub(crate) fn try_again(
        code: &'static str,
        message: impl Into<String>,
        after: Duration,
    ) -> ApiError {
        let seconds = HeaderValue::from(after.as_secs().max(1));
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
            .with_header(RETRY_AFTER, seconds)
    }

    /// Of what may be asked for a few times at once, too much was.
    pub(crate) fn too_many(
        code: &'static str,
        message: impl Into<String>,
        after: Duration,
    ) -> ApiError {
        ApiError {
            status: StatusCode::TOO_MANY_REQUESTS,
            ..ApiError::try_again(code, message, after)
        }
    }

    /// A failure of ours: told in the log, not to the client.
    pub(crate) fn internal(told: impl std::fmt::Display) -> ApiError {
        tracing::error!(error = %told, "a request failed");
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the request failed; the server's log says why, under this request id",
        )
    }

    pub(crate) fn with_errors(mut self, errors: Vec<ErrorDetail>) -> ApiError {
        self.errors = errors;
        self
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> ApiError {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn body(&self, request_id: &str) -> ErrorBody {
        ErrorBody {
            error: self.message.clone(),
            message: self.message.clone(),
            code: self.code.to_string(),
            errors: self.errors.clone(),
            request_id: request_id.to_string(),
        }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> ApiError {
        const SOON: Duration = Duration::from_secs(1);
        let message = error.to_string();
        match error {
            Error::Overloaded => ApiError::try_again("overloaded", message, SOON),
            Error::NotAcknowledged(_) => {
                tracing::error!(error = %message, "a push was not acknowledged");
                ApiError::try_again(
                    "not_acknowledged",
                    "the request could not be made durable; push it again, which does no harm",
                    SOON,
                )
            }
            Error::Closed => ApiError::try_again("stopping", message, SOON),
            Error::WriterBusy { .. } => ApiError::try_again("writer_busy", message, SOON),
            Error::Sql(_) => ApiError::bad_request("sql_invalid", message),
            Error::SqlNotAllowed(_) => ApiError::bad_request("sql_not_allowed", message),
            Error::SqlTooLarge(_) => {
                ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "sql_limit", message)
            }
            Error::Argument(_) => ApiError::bad_request("invalid_request", message),
            Error::Setting(_) => ApiError::bad_request("invalid_setting", message),
            Error::TooLarge(_) => {
                ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
            }
            Error::IdempotencyConflict { .. } => {
                ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_conflict", message)
            }
            Error::Changed { .. } => ApiError::conflict("changed_meanwhile", message),
            Error::Conflict(_) => ApiError::conflict("conflict", message),
            Error::Customer { .. } => {
                ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "cannot_be_computed", message)
            }
            _ => ApiError::internal(message),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, HeaderMap::clone(&self.headers)).into_response();
        response.extensions_mut().insert(self);
        response
    }
}
