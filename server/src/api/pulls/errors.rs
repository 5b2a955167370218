//! The error answers of pulls.

use axum::http::StatusCode;

use crate::error::ApiError;
use crate::pull::PullError;

impl From<PullError> for ApiError {
    fn from(error: PullError) -> ApiError {
        let message = error.to_string();
        match error {
            PullError::Field { field, .. } => ApiError::invalid(field, message),
            PullError::NoEndpoint(_) => ApiError::conflict("no_endpoint", message),
            PullError::NothingToResume(_) => ApiError::conflict("nothing_to_resume", message),
            PullError::SecretKey(_) => {
                ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "secret_key", message)
            }
            PullError::Engine(error) => error.into(),
            PullError::Internal(_) => ApiError::internal(message),
        }
    }
}
