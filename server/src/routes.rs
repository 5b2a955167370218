//! The table of contents of the API.

use axum::Router;
use axum::middleware::from_fn_with_state;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::decompression::RequestDecompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{ApiError, Result};
use crate::{health, keys, later, metrics, openapi, plan_groups, push, records, request_id, sources};

/// Every route and its handler, with the layers around them.
pub(crate) fn routes(app: App) -> Router {
    let (documented, _) = documented().split_for_parts();
    let (also_at_root, _) = v1().split_for_parts();
    let (also_under_v1, _) = clients().split_for_parts();
    documented
        .merge(also_at_root)
        .nest("/v1", also_under_v1)
        .merge(openapi::pages())
        .fallback(later::nothing_here)
        .method_not_allowed_fallback(not_with_this_method)
        .layer(CatchPanicLayer::new())
        .layer(RequestDecompressionLayer::new())
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(app.clone(), request_id::identify))
        .with_state(app)
}

/// The routes as the OpenAPI document names them.
pub(crate) fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(server()).merge(clients()).nest("/v1", v1())
}

/// The server's own health.
fn server() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::metrics))
}

/// Paths under `/v1`, of GrowPanel's Custom API and of ours; they also answer at the root.
fn v1() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(sources::routes()).merge(push::routes()).merge(keys::routes())
}

/// Paths of GrowPanel's client libraries, at the root; they also answer under `/v1`.
fn clients() -> OpenApiRouter<App> {
    let data = OpenApiRouter::new().merge(sources::client_routes()).merge(push::client_routes());
    OpenApiRouter::new().nest("/data", data.merge(records::routes()).merge(plan_groups::routes()))
}

async fn not_with_this_method() -> Result<()> {
    let message = "this path does not take this method; the header Allow names those it takes";
    Err(ApiError::new(axum::http::StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message))
}
