//! Which data source a request is about: by its id or name, and only if its key sees it.

use std::collections::HashSet;

use mrrow_engine::sources::DataSource;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::error::{ApiError, Result};
use crate::http::caller::Caller;

/// The data source of a path, if the caller may see it.
pub(crate) async fn source_of(app: &App, caller: &Caller, id: &str) -> Result<DataSource> {
    let sources = app.engine.data_sources().await?;
    match (found(&sources, caller, id)?, &caller.key.data_sources) {
        (Some(source), _) => Ok(source.clone()),
        (None, None) => Err(ApiError::data_source_not_found(id)),
        // Whoever is restricted learns nothing of other sources.
        (None, Some(_)) => Err(caller
            .require_source(id)
            .err()
            .unwrap_or_else(|| ApiError::data_source_not_found(id))),
    }
}

/// The source with this id or, if there is none, the only one with this name that the caller sees.
fn found<'s>(
    sources: &'s [DataSource],
    caller: &Caller,
    id: &str,
) -> Result<Option<&'s DataSource>> {
    if let Some(source) = sources.iter().find(|source| source.id == id) {
        return caller.require_source(&source.id).map(|()| Some(source));
    }
    let mut named =
        sources.iter().filter(|source| source.name == id && caller.key.sees(&source.id));
    match (named.next(), named.next()) {
        (only, None) => Ok(only),
        _ => {
            let message = format!("several data sources are called \"{id}\"; name one by its id");
            Err(ApiError::not_found("data_source_not_found", message))
        }
    }
}

/// The id of the data source of a path, if the caller may see it, as it was a moment ago: pushes do
/// not ask the catalog each time.
pub(crate) async fn recent_source_of(app: &App, caller: &Caller, id: &str) -> Result<String> {
    let sources = app.engine.recent_data_sources().await?;
    match found(&sources, caller, id)? {
        Some(source) => Ok(source.id.clone()),
        None => Ok(source_of(app, caller, id).await?.id),
    }
}

/// The data sources that the caller may see.
pub(crate) async fn visible_sources(app: &App, caller: &Caller) -> Result<Vec<DataSource>> {
    let sources = app.engine.data_sources().await?;
    Ok(sources.into_iter().filter(|source| caller.key.sees(&source.id)).collect())
}

/// The data sources that the caller may see, as they were a moment ago unless one that is named
/// came since.
pub(crate) async fn visible_sources_among(
    app: &App,
    caller: &Caller,
    named: &HashSet<String>,
) -> Result<Vec<DataSource>> {
    let recent = app.engine.recent_data_sources().await?;
    let is_known =
        |name: &String| recent.iter().any(|source| source.id == *name || source.name == *name);
    if recent.is_empty() || !named.iter().all(is_known) {
        return visible_sources(app, caller).await;
    }
    Ok(recent.iter().filter(|source| caller.key.sees(&source.id)).cloned().collect())
}

/// Which data source a request is about.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SourceQuery {
    /// The data source's id or name.
    pub(crate) source: Option<String>,
    /// The same as `source`.
    pub(crate) data_source: Option<String>,
}

impl SourceQuery {
    /// The data source that is named, or the only one that the caller sees.
    pub(crate) async fn resolve(
        &self,
        app: &App,
        caller: &Caller,
        visible: &[DataSource],
    ) -> Result<Option<String>> {
        match (&self.source, &self.data_source) {
            (Some(one), Some(other)) if one != other => {
                let message = "\"source\" and \"data_source\" are the same parameter and differ; send one of the two";
                Err(ApiError::invalid("source", message))
            }
            (Some(named), _) | (None, Some(named)) => {
                recent_source_of(app, caller, named).await.map(Some)
            }
            (None, None) => Ok(match visible {
                [only] => Some(only.id.clone()),
                _ => None,
            }),
        }
    }
}
