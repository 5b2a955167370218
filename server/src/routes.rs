//! The table of contents of the API.

use axum::Router;
use axum::middleware::from_fn_with_state;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::{
    health, imports, keys, plan_groups, pulls, push, reads, records, settings, sources, sql, status,
};
use crate::app::App;
use crate::error::{ApiError, Result};
use crate::http::{min_sequence, not_implemented, openapi, request_id};
use crate::metrics;

/// Every route and its handler, with the layers around them.
pub(crate) fn routes(app: App) -> Router {
    let limits = &app.config.limits;
    let small =
        twice(v1().merge(clients())).merge(served(server())).merge(openapi::pages(&openapi()));
    let small = small.fallback(not_implemented::nothing_here);
    let routes =
        readable(small, limits.body_bytes).merge(readable(twice(uploads()), limits.upload_bytes()));
    // Before `around`: who names no route and method of ours is told so at once.
    around(routes.layer(from_fn_with_state(app.clone(), min_sequence::wait_where_named)), app)
}

/// The OpenAPI document of every route.
pub fn openapi() -> OpenApi {
    openapi::document(documented().into_openapi())
}

/// The routes as the OpenAPI document names them.
fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(server()).merge(clients()).nest("/v1", v1().merge(uploads()))
}

/// What is around every route, outermost first: each answer is in its shape, whatever happens. All
/// in one: the router makes a copy of each layer for each request.
fn around(routes: Router<App>, app: App) -> Router {
    let layers = ServiceBuilder::new()
        .layer(from_fn_with_state(app.clone(), request_id::identify))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::new());
    routes.method_not_allowed_fallback(not_with_this_method).layer(layers).with_state(app)
}

/// Routes whose bodies are of so many bytes at most as they are sent, and are decompressed.
fn readable(routes: Router<App>, bytes_max: usize) -> Router<App> {
    routes.layer((RequestBodyLimitLayer::new(bytes_max), RequestDecompressionLayer::new()))
}

/// Paths under `/v1` and at the root.
fn twice(routes: OpenApiRouter<App>) -> Router<App> {
    let routes = served(routes);
    routes.clone().nest("/v1", routes)
}

fn served(routes: OpenApiRouter<App>) -> Router<App> {
    routes.split_for_parts().0
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
    let sources = sources::routes().merge(pulls::routes());
    OpenApiRouter::new()
        .merge(sources)
        .merge(push::routes())
        .merge(keys::routes())
        .merge(reads::routes())
        .merge(settings::routes())
        .merge(status::routes())
        .merge(sql::routes())
}

/// Paths of GrowPanel's client libraries, at the root; they also answer under `/v1`.
fn clients() -> OpenApiRouter<App> {
    let sources = sources::client_routes().merge(pulls::routes());
    let records = push::client_routes().merge(records::routes()).merge(plan_groups::routes());
    OpenApiRouter::new().nest("/data", sources.merge(records))
}

/// Bodies of any size; paths under `/v1` that also answer at the root.
fn uploads() -> OpenApiRouter<App> {
    imports::routes()
}

async fn not_with_this_method() -> Result<()> {
    let message = "this path does not take this method; the header Allow names those it takes";
    Err(ApiError::new(axum::http::StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::sync::Arc;

    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use axum::routing::get;
    use mrrow_engine::{Config, Engine};
    use tower::ServiceExt;

    use super::*;
    use crate::config::ServerConfig;

    async fn panics() {
        panic!("this handler does")
    }

    #[tokio::test]
    async fn a_panic_is_an_error_in_its_shape() {
        let dir = tempfile::tempdir().unwrap();
        let engine =
            Engine::open(Config::new(dir.path(), Arc::new(chrono::Utc::now))).await.unwrap();
        let random = Arc::new(|bytes: &mut [u8]| {
            bytes.fill(7);
            Ok(())
        });
        let app =
            App::new(Arc::new(engine), ServerConfig::new("127.0.0.1:0".parse().unwrap()), random);
        let routes = around(Router::new().route("/", get(panics)), app);
        let answer = routes.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 500);
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let error: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(error["code"], "internal");
        assert_eq!(error["request_id"], "07".repeat(16));
    }
}
