//! Reads: reports and whole tables. Every response is of one snapshot, names it, and has an
//! ETag.

mod state;

mod request;
mod rows_response;

mod reports;
mod snapshots;
mod tables;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::caller::KeyLookup;

pub(crate) use state::ReadsState;

pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    KeyLookup: FromRef<S>,
    ReadsState: FromRef<S>,
{
    reports::short_routes().routes(routes!(tables::table)).routes(routes!(snapshots::list))
}

/// The reports. At the root their paths are those of GrowPanel's reports, which have other rows.
pub(crate) fn report_routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    KeyLookup: FromRef<S>,
    ReadsState: FromRef<S>,
{
    reports::routes()
}
