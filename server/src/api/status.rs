//! `GET /v1/status`: what is stored, and how.

use axum::extract::State;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::settings::AllSettings;
use crate::app::App;
use crate::error::Result;
use crate::http::caller::Caller;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(status))
}

/// What the data directory holds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StatusAnswer {
    /// The newest snapshot; 0 before the first write.
    snapshot: i64,
    /// It has everything that was acknowledged up to this sequence.
    last_sequence: i64,
    committed_at: Option<DateTime<Utc>>,
    /// The day its movements are computed for.
    as_of: NaiveDate,
    settings: AllSettings,
    tables: Vec<Table>,
    /// Kept snapshots.
    snapshots: u64,
    /// Files that these are made of.
    files: u64,
    catalog_bytes: u64,
    /// Acknowledged rows that are not yet published.
    waiting_rows: u64,
    /// The process that writes.
    writer_pid: Option<String>,
    /// What is odd, in words.
    warnings: Vec<String>,
}

/// What is stored of one table.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Table {
    name: &'static str,
    /// Rows stored for the present, those that newer ones have taken the place of among them.
    rows: i64,
    /// Rows of the past only.
    history_rows: i64,
    bytes: i64,
    base_files: usize,
    delta_files: usize,
    history_files: usize,
}

/// What is stored, how much of it, and what is odd about it.
#[utoipa::path(get, path = "/status", tag = "server",
    responses((status = 200, description = "the status", body = StatusAnswer)))]
pub(super) async fn status(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<StatusAnswer>> {
    caller.require_admin()?;
    caller.require_all_sources()?;
    let status = app.engine.status().await?;
    let tables = status.tables.into_iter().map(|table| Table {
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
        settings: AllSettings::of(&status.settings)?,
        tables: tables.collect(),
        snapshots: status.snapshots,
        files: status.files,
        catalog_bytes: status.catalog_bytes,
        waiting_rows: status.waiting_rows,
        writer_pid: status.writer_pid,
        warnings: status.warnings,
    }))
}
