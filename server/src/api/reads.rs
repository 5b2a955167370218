//! Reads: movements, MRR and whole tables. Every response is of one snapshot, names it, and has an
//! ETag.

mod state;

mod request;
mod rows_response;

mod movements;
mod mrr;
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
    OpenApiRouter::new()
        .routes(routes!(movements::movements))
        .routes(routes!(mrr::mrr))
        .routes(routes!(tables::table))
        .routes(routes!(snapshots::list))
}
