//! Plan groups: plans that are looked at together, listed one by one or found by a pattern. A plan
//! may be in many groups.

use crate::engine::Engine;
use crate::error::Result;
use crate::model::{GroupDefinition, PlanGroup};
use crate::model::{check_id, random_id};

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

    /// Makes a plan group whose id is made of the random bytes.
    ///
    /// # Errors
    /// As for [`Engine::put_plan_group`].
    pub async fn create_plan_group(
        &self,
        definition: GroupDefinition,
        random: [u8; 16],
    ) -> Result<PlanGroup> {
        self.put_plan_group(&random_id("pg", random), definition).await
    }

    /// Makes the plan group with this id, or puts the definition in the place of the one it has;
    /// that one stays known.
    ///
    /// # Errors
    /// When it has no name, a manual group lists no plans, or an auto group has no pattern that can
    /// be used.
    pub async fn put_plan_group(&self, id: &str, definition: GroupDefinition) -> Result<PlanGroup> {
        check_id("plan group", id)?;
        let definition = definition.checked()?;
        let text = definition.to_text()?;
        let mut group = PlanGroup::of(id.to_string(), definition, self.store.now())?;
        group.changed_at = self.store.catalog.put_plan_group(id, text, group.changed_at).await?;
        Ok(group)
    }

    /// Deletes a plan group; whether it was there. What it was stays known.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub async fn delete_plan_group(&self, id: &str) -> Result<bool> {
        self.store.catalog.delete_plan_group(id, self.store.now()).await
    }
}
