//! Cached rows of the catalog, so that a push does not read it.
//!
//! Other processes write the catalog too: their changes are seen once an entry has expired. A
//! change by this process invalidates the caches at once.

use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;

use crate::cache::Cache;
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::model::{DataSource, Settings};

const TTL: Duration = Duration::from_millis(500);

/// Ids of data sources that are cached at most.
const SOURCES_MAX: usize = 10_000;

/// Settings and data sources of a catalog.
#[derive(Debug)]
pub(crate) struct Lookups {
    catalog: Catalog,
    /// The ids of data sources, by id or name.
    source_ids: Cache<String, String>,
    timezone: Cache<(), Tz>,
    sources: Cache<(), Arc<[DataSource]>>,
}

impl Lookups {
    pub(super) fn new(catalog: &Catalog) -> Lookups {
        Lookups {
            catalog: catalog.clone(),
            source_ids: Cache::new(SOURCES_MAX).with_ttl(TTL),
            timezone: Cache::new(1).with_ttl(TTL),
            sources: Cache::new(1).with_ttl(TTL),
        }
    }

    /// The id of the data source with this id or name; the text itself if there is none yet.
    pub(crate) async fn data_source_id(&self, id_or_name: &str) -> Result<String> {
        if id_or_name.is_empty() {
            return Err(Error::Argument("the data source's id is empty; name one".to_string()));
        }
        if let Some(id) = self.source_ids.get(id_or_name) {
            return Ok(id);
        }
        let read = self.source_ids.begin_read();
        let Some(id) = self.catalog.data_source_id(id_or_name).await? else {
            return Ok(id_or_name.to_string());
        };
        self.source_ids.insert(id_or_name.to_string(), id.clone(), read);
        Ok(id)
    }

    /// The settings as they were last set; this reads the catalog.
    pub(crate) async fn settings(&self) -> Result<Settings> {
        if let Some(wanted) = self.catalog.wanted_settings().await? {
            return Ok(wanted);
        }
        let newest = self.catalog.newest().await?;
        Ok(newest.map(|newest| newest.settings).unwrap_or_default())
    }

    /// The account's zone, in which pushed dates are read.
    pub(crate) async fn timezone(&self) -> Result<Tz> {
        let load = || async { Ok(self.settings().await?.timezone) };
        self.timezone.get_or_load(&(), load).await
    }

    /// The data sources, oldest first.
    pub(crate) async fn data_sources(&self) -> Result<Arc<[DataSource]>> {
        let load = || async { Ok(self.catalog.data_sources().await?.into()) };
        self.sources.get_or_load(&(), load).await
    }

    /// To be called after a change of settings or data sources.
    pub(crate) fn invalidate(&self) {
        self.source_ids.invalidate();
        self.timezone.invalidate();
        self.sources.invalidate();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_of_one_value_holds_it() {
        let cache = Cache::new(1).with_ttl(TTL);
        for value in [7, 8] {
            cache.invalidate();
            cache.insert((), value, cache.begin_read());
            assert_eq!(cache.get(&()), Some(value));
        }
    }
}
