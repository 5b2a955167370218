//! Reads: movements, MRR and whole tables. Every read is of one snapshot, names it, and costs nothing
//! where the client has the answer already.

mod answer;
mod movements;
mod mrr;
mod snapshots;
mod tables;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::http::caller::Caller;
use crate::http::data_source::source_of;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(movements::movements))
        .routes(routes!(mrr::mrr))
        .routes(routes!(tables::table))
        .routes(routes!(snapshots::list))
}

/// The caller, who sees no more than the data source that a read is restricted to.
async fn of_source(app: &App, mut caller: Caller, id_or_name: Option<&str>) -> Result<Caller> {
    if let Some(id_or_name) = id_or_name {
        let source = source_of(app, &caller, id_or_name).await?;
        caller.key.data_sources = Some(vec![source.id]);
    }
    Ok(caller)
}
