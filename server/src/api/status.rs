//! `GET /v1/status`: the contents and health of the data directory.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use chrono::{DateTime, NaiveDate, Utc};
use mrrow_engine::Engine;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::settings::SettingsResponse;
use crate::error::Result;
use crate::http::caller::{Caller, KeyLookup};

pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    KeyLookup: FromRef<S>,
    Arc<Engine>: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(status))
}

/// The contents of the data directory.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StatusAnswer {
    /// The newest snapshot; 0 before the first write.
    snapshot: i64,
    /// It contains everything that was acknowledged up to this sequence.
    last_sequence: i64,
    committed_at: Option<DateTime<Utc>>,
    /// The day that its movements are computed for.
    as_of: NaiveDate,
    settings: SettingsResponse,
    tables: Vec<StatusTable>,
    /// Retained snapshots.
    snapshots: u64,
    /// Files of the retained snapshots.
    files: u64,
    catalog_bytes: u64,
    /// Acknowledged rows that are not yet published.
    waiting_rows: u64,
    /// The id of the process that writes.
    writer_pid: Option<String>,
    /// Problems, for people.
    warnings: Vec<String>,
}

/// A stored table.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StatusTable {
    name: &'static str,
    /// Rows of the base and the delta, including superseded ones.
    rows: i64,
    /// Rows of the history.
    history_rows: i64,
    bytes: i64,
    base_files: usize,
    delta_files: usize,
    history_files: usize,
}

/// The contents of the data directory, their sizes, and warnings.
#[utoipa::path(get, path = "/status", tag = "server",
    responses((status = 200, description = "the status", body = StatusAnswer)))]
pub(super) async fn status(
    State(engine): State<Arc<Engine>>,
    caller: Caller,
) -> Result<axum::Json<StatusAnswer>> {
    caller.require_admin()?;
    caller.require_all_sources()?;
    let status = engine.status().await?;
    let tables = status.tables.into_iter().map(|table| StatusTable {
        name: table.name,
        rows: table.rows,
        history_rows: table.history_rows,
        bytes: table.bytes,
        base_files: table.base_files,
        delta_files: table.delta_files,
        history_files: table.history_files,
    });
    Ok(axum::Json(StatusAnswer {
        snapshot: status.snapshot,
        last_sequence: status.last_sequence,
        committed_at: status.committed_at,
        as_of: status.as_of,
        settings: SettingsResponse::of(&status.settings)?,
        tables: tables.collect(),
        snapshots: status.snapshots,
        files: status.files,
        catalog_bytes: status.catalog_bytes,
        waiting_rows: status.waiting_rows,
        writer_pid: status.writer_pid,
        warnings: status.warnings,
    }))
}
