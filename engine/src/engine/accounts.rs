//! The engine's methods for API keys, data sources, pulls, plan groups and jobs.

use std::sync::Arc;

use serde_json::Value;

use super::Engine;
use crate::accounts::{data_sources, jobs, keys, plan_groups, pulls};
use crate::error::Result;
use crate::model::random_id;
use crate::model::{
    ApiKey, DataSource, GroupDefinition, Job, NewDataSource, NewKey, PlanGroup, Pull,
};

/// API keys.
impl Engine {
    /// Creates a key of 32 random bytes, and returns it with its text. The text is not stored and
    /// cannot be read again.
    ///
    /// # Errors
    /// When the name is empty, a data source is unknown, or the key would have expired already.
    pub async fn create_key(&self, new: &NewKey, secret: [u8; 32]) -> Result<(ApiKey, String)> {
        keys::create(&self.store, new, secret).await
    }

    /// All keys, revoked ones too, oldest first.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn keys(&self) -> Result<Vec<ApiKey>> {
        self.store.catalog.keys().await
    }

    /// Revokes the key with this id or name; none when there is no such key.
    ///
    /// # Errors
    /// When several keys that are not revoked have the name.
    pub async fn revoke_key(&self, id_or_name: &str) -> Result<Option<ApiKey>> {
        keys::revoke(&self.store, id_or_name).await
    }

    /// The key with this text, also when it is expired or revoked: see [`ApiKey::is_valid_at`].
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn key_of(&self, text: &str) -> Result<Option<ApiKey>> {
        keys::with_text(&self.store, text).await
    }

    /// The key with this text, if it is valid now.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn valid_key(&self, text: &str) -> Result<Option<ApiKey>> {
        Ok(self.key_of(text).await?.filter(|key| key.is_valid_at(self.now())))
    }
}

/// Data sources.
impl Engine {
    /// Creates a data source; its id is made of the random bytes unless it is given. The id of a
    /// deleted source may be taken again, and with it the records that the source left behind.
    ///
    /// # Errors
    /// When the id or name is invalid, the id is the id or name of another data source, or the name
    /// is the id of one ([`crate::Error::Conflict`]).
    pub async fn create_data_source(
        &self,
        new: NewDataSource,
        random: [u8; 16],
    ) -> Result<DataSource> {
        data_sources::create(&self.store, new, random).await
    }

    /// The data sources, oldest first.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn data_sources(&self) -> Result<Vec<DataSource>> {
        self.store.catalog.data_sources().await
    }

    /// The data sources from a cache, oldest first. A change of another process is seen after half
    /// a second at most, a change of this engine at once.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn recent_data_sources(&self) -> Result<Arc<[DataSource]>> {
        self.store.lookups.data_sources().await
    }

    /// The data source with this id or, if there is none, this name.
    ///
    /// # Errors
    /// When several have this name ([`crate::Error::Argument`]), or the catalog cannot be read.
    pub async fn data_source(&self, id_or_name: &str) -> Result<Option<DataSource>> {
        self.store.catalog.data_source(id_or_name).await
    }

    /// Changes the name or kind of the data source with this id; none when there is no such source.
    ///
    /// # Errors
    /// When the name is invalid, or is the id of another data source ([`crate::Error::Conflict`]).
    pub async fn update_data_source(
        &self,
        id: &str,
        name: Option<&str>,
        kind: Option<&str>,
    ) -> Result<Option<DataSource>> {
        data_sources::update(&self.store, id, name, kind).await
    }

    /// Deletes the data source with this id and its pull; returns whether it was there. Its records
    /// stay in the numbers, see [`Engine::reset_data_source`]; records that are pushed to it later
    /// create it again.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub async fn delete_data_source(&self, id: &str) -> Result<bool> {
        data_sources::delete(&self.store, id).await
    }
}

/// Pulls.
impl Engine {
    /// Sets the pull of a data source, in place of the one it has.
    ///
    /// # Errors
    /// When there is no data source with this id.
    pub async fn set_pull(
        &self,
        data_source: &str,
        settings: Value,
        sealed_credentials: Option<Vec<u8>>,
    ) -> Result<Pull> {
        pulls::set(&self.store, data_source, settings, sealed_credentials).await
    }

    /// The pull of the data source with this id.
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

    /// Deletes the pull of a data source with its credentials; returns whether there was one.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub async fn delete_pull(&self, data_source: &str) -> Result<bool> {
        self.store.catalog.delete_pull(data_source).await
    }
}

/// Plan groups.
impl Engine {
    /// The plan groups, by their ids.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn plan_groups(&self) -> Result<Vec<PlanGroup>> {
        self.store.catalog.plan_groups().await
    }

    /// The plan group with this id.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn plan_group(&self, id: &str) -> Result<Option<PlanGroup>> {
        self.store.catalog.plan_group(id).await
    }

    /// Creates a plan group whose id is made of the random bytes.
    ///
    /// # Errors
    /// As for [`Engine::put_plan_group`].
    pub async fn create_plan_group(
        &self,
        definition: GroupDefinition,
        random: [u8; 16],
    ) -> Result<PlanGroup> {
        plan_groups::put(&self.store, &random_id("pg", random), definition).await
    }

    /// Creates the plan group with this id, or replaces its definition; the earlier one is
    /// retained.
    ///
    /// # Errors
    /// When it has no name, a manual group lists no plans, or an auto group has no valid pattern.
    pub async fn put_plan_group(&self, id: &str, definition: GroupDefinition) -> Result<PlanGroup> {
        plan_groups::put(&self.store, id, definition).await
    }

    /// Deletes a plan group; returns whether it was there. Its definitions are retained.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub async fn delete_plan_group(&self, id: &str) -> Result<bool> {
        self.store.catalog.delete_plan_group(id, self.now()).await
    }
}

/// Jobs.
impl Engine {
    /// Writes a job as it is now. Of a stored job only state and detail change. Jobs that were over
    /// long ago are deleted.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub async fn save_job(&self, job: &Job) -> Result<()> {
        jobs::save(&self.store, job).await
    }

    /// The job with this id.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn job(&self, id: &str) -> Result<Option<Job>> {
        self.store.catalog.job(id).await
    }

    /// The newest jobs, newest first; of one data source and of one kind where these are given.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn jobs(
        &self,
        data_source: Option<&str>,
        kind: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Job>> {
        self.store.catalog.jobs(data_source, kind, limit).await
    }

    /// Marks all jobs that are not over as interrupted, and returns how many. A process calls it
    /// once it has replaced the one that worked on them.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub async fn interrupt_jobs(&self) -> Result<u64> {
        self.store.catalog.interrupt_jobs(self.now()).await
    }
}
