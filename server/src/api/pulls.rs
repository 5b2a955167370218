//! Pulls over HTTP: the settings of a data source's endpoint, and its syncs.

mod errors;
mod path_segment;
mod progress;
mod progress_answer;
mod settings;
mod syncs;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(crate) use settings::PullRequest;

/// The routes under a data source, in `/v1/data-sources` and `/data/data-sources`.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(settings::show_pull, settings::set_pull, settings::delete_pull))
        .routes(routes!(syncs::sync))
        .routes(routes!(syncs::full_import))
        .routes(routes!(syncs::abort))
        .routes(routes!(progress::progress))
}
