//! `GET /v1/snapshots`: the retained snapshots.

use axum::extract::State;
use chrono::{DateTime, NaiveDate, Utc};
use mrrow_engine::SnapshotSummary;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::state::ReadsState;
use crate::error::{ApiError, Result};
use crate::http::caller::Caller;
use crate::http::extract::Query;

/// Snapshots of a page: by default, and at most.
const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1000;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SnapshotsParams {
    /// List the snapshots before this one: the last one of the previous page.
    before: Option<i64>,
    /// The most snapshots to list; 100 by default.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Retained snapshots, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Snapshots {
    result: Vec<SnapshotAnswer>,
    /// Whether older ones follow.
    has_more: bool,
}

/// A retained snapshot; the parameter `snapshot` of every read selects one.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SnapshotAnswer {
    snapshot: i64,
    committed_at: DateTime<Utc>,
    /// Its cause: push, import, settings, day or compaction.
    cause: String,
    /// The day that its movements are computed for.
    as_of: NaiveDate,
    /// It contains everything that was acknowledged up to this sequence.
    last_sequence: i64,
    /// Whether its files exist. Without them a read computes it again, which takes longer.
    has_files: bool,
}

impl From<SnapshotSummary> for SnapshotAnswer {
    fn from(snapshot: SnapshotSummary) -> SnapshotAnswer {
        let SnapshotSummary {
            snapshot, committed_at, cause, as_of, last_sequence, has_files, ..
        } = snapshot;
        SnapshotAnswer { snapshot, committed_at, cause, as_of, last_sequence, has_files }
    }
}

/// The retained snapshots, the newest first.
#[utoipa::path(get, path = "/snapshots", tag = "reads", params(SnapshotsParams),
    responses((status = 200, description = "the snapshots", body = Snapshots)))]
pub(super) async fn list(
    State(state): State<ReadsState>,
    _caller: Caller,
    Query(query): Query<SnapshotsParams>,
) -> Result<axum::Json<Snapshots>> {
    let limit = query.limit.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        let message = format!("\"limit\" is {limit}; use 1 to {PAGE_MAX}");
        return Err(ApiError::invalid("limit", message));
    }
    let retained = state.engine.snapshots().await?;
    let older = |kept: &SnapshotSummary| query.before.is_none_or(|before| kept.snapshot < before);
    let mut snapshots = retained.into_iter().rev().filter(older);
    let result = snapshots.by_ref().take(limit as usize).map(SnapshotAnswer::from).collect();
    Ok(axum::Json(Snapshots { result, has_more: snapshots.next().is_some() }))
}
