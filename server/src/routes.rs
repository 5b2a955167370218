//! The table of contents of the API.

use axum::Router;
use axum::routing::get;

/// Every route and its handler.
pub(crate) fn routes() -> Router {
    Router::new().route("/healthz", get(healthz))
}

/// The process is up; it says nothing of the store.
async fn healthz() -> &'static str {
    "ok\n"
}
