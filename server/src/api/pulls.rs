//! Pulls over HTTP: the settings of a data source's endpoint, and its syncs.

mod errors;
mod progress;
mod progress_answer;
mod settings;
mod syncs;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::body::Bodies;
use crate::http::caller::KeyLookup;
use crate::pull::PullState;

pub(crate) use settings::PullRequest;

/// The routes under a data source, in `/v1/data-sources` and `/data/data-sources`.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    KeyLookup: FromRef<S>,
    Bodies: FromRef<S>,
    PullState: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(settings::show_pull, settings::set_pull, settings::delete_pull))
        .routes(routes!(syncs::sync))
        .routes(routes!(syncs::full_import))
        .routes(routes!(syncs::abort))
        .routes(routes!(progress::progress))
}
