//! Why a pull cannot be configured, or a sync cannot be started.

use std::fmt;

/// The result of configuring a pull or starting a sync.
pub(crate) type PullResult<T> = Result<T, PullError>;

/// Why a pull cannot be configured, or a sync cannot be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PullError {
    /// A field of the request has a value that cannot be used.
    #[error("{message}")]
    Field {
        /// The field's path in the request, such as `schedule.cron`.
        field: &'static str,
        /// The error and its remedy.
        message: String,
    },
    /// The data source with this id has no endpoint.
    #[error(
        "the data source \"{0}\" has no endpoint to fetch from; PUT /v1/data-sources/{0}/pull sets \
         one"
    )]
    NoEndpoint(String),
    /// The last sync of the data source with this id fetched everything.
    #[error(
        "no sync of the data source \"{0}\" has stopped before its end; start one without resume"
    )]
    NothingToResume(String),
    /// The key file cannot be read or written; the message names it.
    #[error("{0}")]
    SecretKey(String),
    /// The engine refuses or fails.
    #[error(transparent)]
    Engine(#[from] mrrow_engine::Error),
    /// The server fails; the message is for its log.
    #[error("{0}")]
    Internal(String),
}

impl PullError {
    pub(super) fn field(field: &'static str, message: impl Into<String>) -> PullError {
        PullError::Field { field, message: message.into() }
    }

    pub(super) fn internal(message: impl fmt::Display) -> PullError {
        PullError::Internal(message.to_string())
    }
}
