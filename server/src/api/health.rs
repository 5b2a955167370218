//! `GET /healthz` and `GET /readyz`: probes of the process and of its store.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use mrrow_engine::Engine;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{ApiError, ErrorBody, Result};

pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HealthState: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz))
}

#[derive(Clone)]
pub(crate) struct HealthState {
    pub(crate) engine: Arc<Engine>,
    /// Canceled when the server stops.
    pub(crate) stopping: CancellationToken,
}

/// The process is up; the store is not checked.
#[utoipa::path(get, path = "/healthz", tag = "server", security(()),
    responses((status = 200, description = "the server is up", body = String,
        content_type = "text/plain")))]
async fn healthz() -> &'static str {
    "ok\n"
}

/// The server can acknowledge pushes and answer reads.
#[utoipa::path(get, path = "/readyz", tag = "server", security(()),
    responses((status = 200, description = "ready", body = String, content_type = "text/plain"),
              (status = 503, description = "not ready", body = ErrorBody)))]
async fn readyz(State(state): State<HealthState>) -> Result<&'static str> {
    let not_ready = |message: String| {
        ApiError::try_again("not_ready", message, std::time::Duration::from_secs(1))
    };
    if state.stopping.is_cancelled() {
        return Err(not_ready("the server is stopping".to_string()));
    }
    state.engine.ready().await.map_err(|error| not_ready(error.to_string()))?;
    Ok("ready\n")
}
