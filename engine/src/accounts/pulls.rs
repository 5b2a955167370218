//! Pulls: where and how a data source's records are fetched, as far as the catalog keeps it.

use serde_json::Value;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::model::Pull;
use crate::model::micros;

impl Engine {
    /// Sets how a data source is fetched, in place of what was set before.
    ///
    /// # Errors
    /// When there is no data source with this id.
    pub async fn set_pull(
        &self,
        data_source: &str,
        settings: Value,
        sealed_credentials: Option<Vec<u8>>,
    ) -> Result<Pull> {
        let data_source = data_source.to_string();
        let pull = Pull {
            data_source,
            settings,
            sealed_credentials,
            updated_at: micros(self.store.now()),
        };
        if self.store.catalog.set_pull(&pull).await? {
            return Ok(pull);
        }
        Err(Error::Argument(format!(
            "there is no data source \"{}\"; create it first",
            pull.data_source
        )))
    }

    /// How the data source with this id is fetched, if it is.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn pull(&self, data_source: &str) -> Result<Option<Pull>> {
        self.store.catalog.pull(data_source).await
    }

    /// All pulls, by their data sources.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn pulls(&self) -> Result<Vec<Pull>> {
        self.store.catalog.pulls().await
    }

    /// Forgets how a data source is fetched, credentials and all; whether it was.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub async fn delete_pull(&self, data_source: &str) -> Result<bool> {
        self.store.catalog.delete_pull(data_source).await
    }
}
