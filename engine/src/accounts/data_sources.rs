//! Data sources: the named origins of records, and how those that are pulled are fetched.

use std::sync::Arc;

use crate::engine::Engine;
use crate::error::Result;
use crate::model::micros;
use crate::model::{DataSource, NewDataSource};
use crate::model::{check_id, check_name, random_id};

/// What feeds a data source unless it is told.
const KIND_DEFAULT: &str = "api";

impl Engine {
    /// Makes a data source; its id is made of the random bytes unless it has one. The id of a
    /// deleted one can be taken again, and with it what that has left behind.
    ///
    /// # Errors
    /// When its id or name cannot be one, its id is the id or name of another data source, or its
    /// name the id of one ([`crate::Error::Conflict`]).
    pub async fn create_data_source(
        &self,
        new: NewDataSource,
        random: [u8; 16],
    ) -> Result<DataSource> {
        let id = new.id.unwrap_or_else(|| random_id("ds", random));
        let kind = new.kind.unwrap_or_else(|| KIND_DEFAULT.to_string());
        check_id("data source", &id)?;
        check_name("data source", &new.name)?;
        check_name("data source's kind", &kind)?;
        let created_at = micros(self.store.now());
        let source = DataSource { id, name: new.name, kind, created_at, updated_at: created_at };
        self.store.catalog.insert_data_source(&source).await?;
        self.store.forget_recent();
        Ok(source)
    }

    /// The data sources, oldest first.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn data_sources(&self) -> Result<Vec<DataSource>> {
        self.store.catalog.data_sources().await
    }

    /// The data sources, oldest first, as they were at most half a second ago: what other processes
    /// change counts a little later than with [`Engine::data_sources`], what is changed by this
    /// engine at once. It costs nothing most of the time.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn recent_data_sources(&self) -> Result<Arc<[DataSource]>> {
        self.store.recent_data_sources().await
    }

    /// The data source with this id or, if there is none, this name.
    ///
    /// # Errors
    /// When several have this name ([`crate::Error::Argument`]), or the catalog cannot be read.
    pub async fn data_source(&self, id_or_name: &str) -> Result<Option<DataSource>> {
        self.store.catalog.data_source(id_or_name).await
    }

    /// Changes what the data source with this id is called, or what feeds it; none when there is no
    /// such source.
    ///
    /// # Errors
    /// When the name cannot be one, or is the id of another data source
    /// ([`crate::Error::Conflict`]).
    pub async fn update_data_source(
        &self,
        id: &str,
        name: Option<&str>,
        kind: Option<&str>,
    ) -> Result<Option<DataSource>> {
        for (what, text) in [("data source", name), ("data source's kind", kind)] {
            text.map_or(Ok(()), |text| check_name(what, text))?;
        }
        let updated = self.store.catalog.update_data_source(id, name, kind, self.store.now()).await;
        self.store.forget_recent();
        updated
    }

    /// Deletes the data source with this id, and how it is fetched; whether it was there. What it
    /// has sent stays in the numbers, see [`Engine::reset_data_source`], and new or changed records
    /// that are sent to it make it anew.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub async fn delete_data_source(&self, id: &str) -> Result<bool> {
        let deleted = self.store.catalog.delete_data_source(id, self.store.now()).await;
        self.store.forget_recent();
        deleted
    }
}
