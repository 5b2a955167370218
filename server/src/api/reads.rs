//! Reads: movements, MRR, tables, settings and status. Every read is of one moment, says which, and
//! costs nothing where the client has it already.

mod answer;
mod encode;
mod format;
mod moment;
mod opened;
mod parameters;

mod movements;
mod mrr;
mod settings;
mod snapshots;
mod status;
mod tables;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use mrrow_engine::Snapshot;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, Result};

pub(crate) use encode::{Encoder, JsonRow, json_text};
pub(crate) use format::{Format, Wanted};
pub(crate) use moment::{Entity, Moment};
pub(crate) use opened::Opened;
pub(crate) use parameters::ReadParams;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(movements::movements))
        .routes(routes!(mrr::mrr))
        .routes(routes!(tables::table))
        .routes(routes!(settings::show, settings::change))
        .routes(routes!(snapshots::list))
        .routes(routes!(status::status))
}

/// What reads share.
pub(crate) struct Reads {
    opened: Opened,
    at_once: Arc<Semaphore>,
}

impl Reads {
    pub(crate) fn new(at_once: usize) -> Reads {
        Reads { opened: Opened::default(), at_once: Arc::new(Semaphore::new(at_once)) }
    }

    /// The right to read tables until it is dropped; too many at once are told to come again.
    pub(crate) fn begin(&self) -> Result<OwnedSemaphorePermit> {
        const SOON: std::time::Duration = std::time::Duration::from_secs(1);
        Arc::clone(&self.at_once).try_acquire_owned().map_err(|_| {
            ApiError::try_again(
                "overloaded",
                "too many reads are being answered; send it again in a second",
                SOON,
            )
        })
    }
}

/// The snapshot that a request asks for, with the rows that the caller sees. It is opened once for
/// all requests of its moment.
pub(crate) async fn pinned(
    app: &App,
    caller: &Caller,
    parameters: &ReadParams,
) -> Result<Arc<Snapshot>> {
    Moment::of(app, parameters).await?.open(app, caller).await
}

/// The caller, who sees no more than the data source that a read is restricted to.
async fn of_source(app: &App, mut caller: Caller, id_or_name: Option<&str>) -> Result<Caller> {
    if let Some(id_or_name) = id_or_name {
        let source = crate::sources::source_of(app, &caller, id_or_name).await?;
        caller.key.data_sources = Some(vec![source.id]);
    }
    Ok(caller)
}

/// The path and the query of a request, as its client sent them.
pub(crate) struct Target(pub(crate) String);

impl FromRequestParts<App> for Target {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Target> {
        // A nested router sees a part of the path only.
        let uri = axum::extract::OriginalUri::from_request_parts(parts, app).await.map(|uri| uri.0);
        let uri = uri.unwrap_or_else(|_| parts.uri.clone());
        Ok(Target(uri.path_and_query().map_or_else(String::new, ToString::to_string)))
    }
}
