//! `GET /metrics`, for Prometheus.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use mrrow_engine::Engine;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::imports::Imports;
use crate::error::{ApiError, Result};
use crate::http::body::Bodies;
use crate::http::caller::{Caller, KeyLookup};
use crate::metrics::{GaugeValues, Metrics};

pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    KeyLookup: FromRef<S>,
    MetricsState: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(metrics))
}

/// The sources of the gauges.
#[derive(Clone)]
pub(crate) struct MetricsState {
    pub(crate) engine: Arc<Engine>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) imports: Imports,
    pub(crate) bodies: Bodies,
}

/// All metrics in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "server",
    responses((status = 200, description = "metrics in Prometheus' text format", body = String,
        content_type = "application/openmetrics-text")))]
async fn metrics(State(state): State<MetricsState>, _caller: Caller) -> Result<impl IntoResponse> {
    let status = state.engine.status().await?;
    let age = status.committed_at.map(|at| (state.engine.now() - at).to_std());
    let values = GaugeValues {
        snapshot: status.snapshot,
        last_sequence: status.last_sequence,
        inbox_rows: status.waiting_rows,
        snapshot_age: age.and_then(std::result::Result::ok).unwrap_or(Duration::ZERO),
        open_imports: state.imports.open(),
        body_bytes: state.bodies.memory_bytes(),
    };
    let text = state
        .metrics
        .render(&values)
        .map_err(|error| ApiError::internal(format!("write metrics: {error}")))?;
    Ok(([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}
