//! The data source of a request: found by id or name, if the caller's key reaches it.

use std::collections::HashSet;

use mrrow_engine::Engine;
use mrrow_engine::sources::DataSource;
use serde::Deserialize;
use utoipa::IntoParams;

use super::caller::Caller;
use crate::error::{ApiError, Result};

/// The data source with an id or name.
pub(crate) async fn source_of(engine: &Engine, caller: &Caller, id: &str) -> Result<DataSource> {
    let sources = engine.data_sources().await?;
    match (find(&sources, caller, id)?, &caller.key.data_sources) {
        (Some(source), _) => Ok(source.clone()),
        (None, None) => Err(ApiError::data_source_not_found(id)),
        // A restricted key must not reveal which other sources exist.
        (None, Some(_)) => Err(caller
            .require_source(id)
            .err()
            .unwrap_or_else(|| ApiError::data_source_not_found(id))),
    }
}

/// The source with this id, else the only one with this name that the key reaches.
fn find<'s>(
    sources: &'s [DataSource],
    caller: &Caller,
    id: &str,
) -> Result<Option<&'s DataSource>> {
    if let Some(source) = sources.iter().find(|source| source.id == id) {
        return caller.require_source(&source.id).map(|()| Some(source));
    }
    let mut with_name =
        sources.iter().filter(|source| source.name == id && caller.key.sees(&source.id));
    match (with_name.next(), with_name.next()) {
        (only, None) => Ok(only),
        _ => {
            let message = format!("several data sources are called \"{id}\"; name one by its id");
            Err(ApiError::not_found("data_source_not_found", message))
        }
    }
}

/// The id of the data source with an id or name, from the engine's cache, so that a push does not
/// read the catalog.
pub(crate) async fn cached_source_of(engine: &Engine, caller: &Caller, id: &str) -> Result<String> {
    let sources = engine.recent_data_sources().await?;
    match find(&sources, caller, id)? {
        Some(source) => Ok(source.id.clone()),
        None => Ok(source_of(engine, caller, id).await?.id),
    }
}

/// The data sources that the caller's key reaches.
pub(crate) async fn visible_sources(engine: &Engine, caller: &Caller) -> Result<Vec<DataSource>> {
    let sources = engine.data_sources().await?;
    Ok(sources.into_iter().filter(|source| caller.key.sees(&source.id)).collect())
}

/// The data sources that the caller's key reaches, from the engine's cache if it has all of
/// `names`.
pub(crate) async fn cached_visible_sources(
    engine: &Engine,
    caller: &Caller,
    names: &HashSet<String>,
) -> Result<Vec<DataSource>> {
    let cached = engine.recent_data_sources().await?;
    let is_cached =
        |name: &String| cached.iter().any(|source| source.id == *name || source.name == *name);
    if cached.is_empty() || !names.iter().all(is_cached) {
        return visible_sources(engine, caller).await;
    }
    Ok(cached.iter().filter(|source| caller.key.sees(&source.id)).cloned().collect())
}

/// The data source of a request.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SourceQuery {
    /// The data source's id or name.
    pub(crate) source: Option<String>,
    /// The same as `source`.
    pub(crate) data_source: Option<String>,
}

impl SourceQuery {
    /// The id of the data source in the query, else of the only one that the key reaches.
    pub(crate) async fn resolve(
        &self,
        engine: &Engine,
        caller: &Caller,
        visible: &[DataSource],
    ) -> Result<Option<String>> {
        match (&self.source, &self.data_source) {
            (Some(one), Some(other)) if one != other => {
                let message = "\"source\" and \"data_source\" are the same parameter and differ; \
                    send one of the two";
                Err(ApiError::invalid("source", message))
            }
            (Some(name), _) | (None, Some(name)) => {
                cached_source_of(engine, caller, name).await.map(Some)
            }
            (None, None) => Ok(match visible {
                [only] => Some(only.id.clone()),
                _ => None,
            }),
        }
    }
}
