//! `GET /v1/snapshots`: the snapshots that are kept.

use axum::extract::State;
use chrono::{DateTime, NaiveDate, Utc};
use mrrow_engine::KeptSnapshot;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::error::{ApiError, Result};
use crate::http::caller::Caller;
use crate::http::extract::Query;

/// How many snapshots a page has unless told, and at most.
const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1000;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SnapshotsParams {
    /// Only snapshots before this one: the last of the page before.
    before: Option<i64>,
    /// How many at most; 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Kept snapshots, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Snapshots {
    result: Vec<SnapshotAnswer>,
    /// Whether there are older ones.
    has_more: bool,
}

/// A snapshot that is kept; the parameter `snapshot` of every read names one.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SnapshotAnswer {
    snapshot: i64,
    committed_at: DateTime<Utc>,
    /// What made it: push, import, settings, day or compaction.
    cause: String,
    /// The day its movements are computed for.
    as_of: NaiveDate,
    /// It has everything that was acknowledged up to this sequence.
    last_sequence: i64,
    /// Whether its files are there; without them it is computed again when it is read, which takes
    /// longer.
    has_files: bool,
}

impl From<KeptSnapshot> for SnapshotAnswer {
    fn from(kept: KeptSnapshot) -> SnapshotAnswer {
        let KeptSnapshot { snapshot, committed_at, cause, as_of, last_sequence, has_files, .. } =
            kept;
        SnapshotAnswer { snapshot, committed_at, cause, as_of, last_sequence, has_files }
    }
}

/// The snapshots that are kept, the newest first.
#[utoipa::path(get, path = "/snapshots", tag = "reads", params(SnapshotsParams),
    responses((status = 200, description = "the snapshots", body = Snapshots)))]
pub(super) async fn list(
    State(app): State<App>,
    _caller: Caller,
    Query(query): Query<SnapshotsParams>,
) -> Result<axum::Json<Snapshots>> {
    let limit = query.limit.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        let message = format!("\"limit\" is {limit}; use 1 to {PAGE_MAX}");
        return Err(ApiError::invalid("limit", message));
    }
    let kept = app.engine.snapshots().await?;
    let older = |kept: &KeptSnapshot| query.before.is_none_or(|before| kept.snapshot < before);
    let mut snapshots = kept.into_iter().rev().filter(older);
    let result = snapshots.by_ref().take(limit as usize).map(SnapshotAnswer::from).collect();
    Ok(axum::Json(Snapshots { result, has_more: snapshots.next().is_some() }))
}
