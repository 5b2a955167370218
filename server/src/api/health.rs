//! Whether the server is up, and whether it can do its work.

use axum::extract::State;

use crate::app::App;
use crate::error::{ApiError, ErrorBody, Result};

/// The process is up; it says nothing of the store.
#[utoipa::path(get, path = "/healthz", tag = "server", security(()),
    responses((status = 200, description = "the server is up", body = String, content_type = "text/plain")))]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Pushes can be acknowledged and reads answered.
#[utoipa::path(get, path = "/readyz", tag = "server", security(()),
    responses((status = 200, description = "ready", body = String, content_type = "text/plain"),
              (status = 503, description = "not now", body = ErrorBody)))]
pub(crate) async fn readyz(State(app): State<App>) -> Result<&'static str> {
    let not_ready = |message: String| {
        ApiError::try_again("not_ready", message, std::time::Duration::from_secs(1))
    };
    if app.stopping.is_cancelled() {
        return Err(not_ready("the server is stopping".to_string()));
    }
    app.engine.ready().await.map_err(|error| not_ready(error.to_string()))?;
    Ok("ready\n")
}
