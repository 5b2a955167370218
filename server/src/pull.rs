//! Pull mode: a data source's records are fetched from its owner's endpoint, page by page, and
//! pushed like any others.
//!
//! A sync asks for `{endpoint}/customers`, `/plans` and `/invoices` in turn. It is a job: whatever
//! ends it, what was stored stays, and where it stopped is kept, so that it can go on there.

mod configure;
mod control;
mod watch;

mod kept;
mod schedule;
mod scheduler;
mod settings;
mod syncs;

mod progress;
mod sync;

mod body;
mod fetch;
mod page;

mod address;
mod credentials;
mod failure;
mod limits;
mod secret_key;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub use address::Allowed;
pub(crate) use configure::PullRequest;
pub use limits::PullLimits;
pub(crate) use scheduler::keep_schedules;
pub(crate) use syncs::Syncs;

/// What is under a data source, `/v1/data-sources/{id}` as well as `/data/data-sources/{id}`.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(configure::show_pull, configure::set_pull, configure::delete_pull))
        .routes(routes!(control::sync))
        .routes(routes!(control::full_import))
        .routes(routes!(control::abort))
        .routes(routes!(watch::progress))
}
