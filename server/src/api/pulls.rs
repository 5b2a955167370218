//! How a data source is fetched: set, started, stopped and watched, under its path.

mod configure;
mod control;
mod watch;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(crate) use configure::PullRequest;

/// What is under a data source, `/v1/data-sources/{id}` as well as `/data/data-sources/{id}`.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(configure::show_pull, configure::set_pull, configure::delete_pull))
        .routes(routes!(control::sync))
        .routes(routes!(control::full_import))
        .routes(routes!(control::abort))
        .routes(routes!(watch::progress))
}
