//! The error of a handler, and the one shape of every error response.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use mrrow_engine::Error;
use mrrow_engine::reports::ReportError;
use serde::Serialize;
use utoipa::ToSchema;

/// The result of a handler.
pub(crate) type Result<T, E = ApiError> = std::result::Result<T, E>;

/// An error response. `http/request_id.rs` writes its body, which has the request's id.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) errors: Vec<ErrorDetail>,
    /// Further headers; boxed to keep results small.
    pub(crate) headers: Box<HeaderMap>,
}

/// An error response.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// The error and its remedy, for people.
    pub(crate) error: String,
    /// The same as `error`.
    pub(crate) message: String,
    /// The kind of error, for programs.
    #[schema(example = "data_source_not_found")]
    pub(crate) code: String,
    /// The errors of single objects and fields.
    pub(crate) errors: Vec<ErrorDetail>,
    /// The request's id, as in the server's log.
    pub(crate) request_id: String,
}

/// One error of a request. Every key is present; those that do not apply are null.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ErrorDetail {
    /// The index of the object in a batch, counted from 0.
    pub(crate) index: Option<u64>,
    /// The first line of the object in NDJSON or CSV, counted from 1.
    pub(crate) line: Option<u64>,
    /// The object's id, if it has one.
    pub(crate) id: Option<String>,
    /// The JSON pointer to the value in a JSON request.
    pub(crate) pointer: Option<String>,
    /// The field or parameter; null for an error of the whole object or request.
    pub(crate) field: Option<String>,
    /// The kind of error.
    pub(crate) code: String,
    /// The error and its remedy.
    pub(crate) message: String,
    /// The refused value, as text; null for a missing one.
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

    /// A parameter or field of the request is invalid.
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

    /// The request may succeed after a pause.
    pub(crate) fn try_again(
        code: &'static str,
        message: impl Into<String>,
        after: Duration,
    ) -> ApiError {
        let seconds = HeaderValue::from(after.as_secs().max(1));
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
            .with_header(RETRY_AFTER, seconds)
    }

    /// A limit of work at once is reached.
    pub(crate) fn overloaded(message: impl Into<String>) -> ApiError {
        ApiError::try_again("overloaded", message, Duration::from_secs(1))
    }

    /// Too many requests of one kind are open.
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

    /// An error of the server; the log has the cause, and the response has not.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> ApiError {
        tracing::error!(error = %cause, "a request failed");
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
                    "the request could not be made durable; send it again, a repetition changes \
                        nothing",
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

impl From<ReportError> for ApiError {
    fn from(error: ReportError) -> ApiError {
        let message = error.to_string();
        match error {
            ReportError::UnknownReport { .. } => ApiError::not_found("unknown_report", message),
            ReportError::UnknownParameter { name, .. } => {
                let code = "unknown_parameter";
                let detail = ErrorDetail {
                    field: Some(name),
                    code: code.to_string(),
                    message: message.clone(),
                    ..ErrorDetail::default()
                };
                ApiError::bad_request(code, message).with_errors(vec![detail])
            }
            ReportError::InvalidValue { name, .. } => ApiError::invalid(name, message),
            _ => ApiError::bad_request("invalid_request", message),
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
