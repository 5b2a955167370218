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

use crate::api::{
    health, imports, keys, metrics, plan_groups, pulls, push, reads, records, settings, sources,
    sql, status,
};
use crate::app::App;
use crate::error::{ApiError, Result};
use crate::http::{min_sequence, not_implemented, openapi, request_id};

/// Every route and its handler, with the layers around them.
pub(crate) fn routes(app: App) -> Router {
    let limits = &app.config.limits;
    let reports = OpenApiRouter::new().nest("/v1", reads::report_routes());
    let small = at_both_roots(v1().merge(clients()))
        .merge(without_document(reports))
        .merge(without_document(server()))
        .merge(openapi::pages(&openapi()));
    let small = small.fallback(not_implemented::no_route);
    let routes = with_bodies(small, limits.body_bytes)
        .merge(with_bodies(at_both_roots(uploads()), limits.upload_bytes()));
    // Inside the fallbacks of `around`: a wrong path or method does not wait.
    let wait = from_fn_with_state(app.min_sequence_layer(), min_sequence::wait_for_min_sequence);
    around(routes.layer(wait), app)
}

/// The OpenAPI document of every route.
pub fn openapi() -> OpenApi {
    openapi::document(documented().into_openapi())
}

/// The routes as the OpenAPI document names them.
fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(server()).merge(clients()).nest("/v1", documented_v1())
}

fn documented_v1() -> OpenApiRouter<App> {
    v1().merge(reads::report_routes()).merge(uploads())
}

/// The layers around every route, outermost first. They are one layer to the router, because it
/// copies each of its layers for each request.
fn around(routes: Router<App>, app: App) -> Router {
    let layers = ServiceBuilder::new()
        .layer(from_fn_with_state(app.request_id_layer(), request_id::identify))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::new());
    routes.method_not_allowed_fallback(method_not_allowed).layer(layers).with_state(app)
}

/// Routes with decompressed bodies of at most `bytes_max` bytes before decompression.
fn with_bodies(routes: Router<App>, bytes_max: usize) -> Router<App> {
    routes.layer((RequestBodyLimitLayer::new(bytes_max), RequestDecompressionLayer::new()))
}

/// Routes under `/v1` and at the root.
fn at_both_roots(routes: OpenApiRouter<App>) -> Router<App> {
    let routes = without_document(routes);
    routes.clone().nest("/v1", routes)
}

fn without_document(routes: OpenApiRouter<App>) -> Router<App> {
    routes.split_for_parts().0
}

/// Routes about the server itself.
fn server() -> OpenApiRouter<App> {
    health::routes().merge(metrics::routes())
}

/// Routes under `/v1`, and at the root: GrowPanel's Custom API and our own.
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

/// Routes of GrowPanel's client libraries: under `/data`, and `/v1/data`.
fn clients() -> OpenApiRouter<App> {
    let sources = sources::client_routes().merge(pulls::routes());
    let records = push::client_routes().merge(records::routes()).merge(plan_groups::routes());
    OpenApiRouter::new().nest("/data", sources.merge(records))
}

/// Routes with bodies of any size, under `/v1`, and at the root.
fn uploads() -> OpenApiRouter<App> {
    imports::routes()
}

async fn method_not_allowed() -> Result<()> {
    let message = "this path does not support this method; the header Allow lists its methods";
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
        panic!("this handler panics")
    }

    #[tokio::test]
    async fn panic_is_an_internal_error() {
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
        let response =
            routes.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 500);
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let error: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(error["code"], "internal");
        assert_eq!(error["request_id"], "07".repeat(16));
    }
}
