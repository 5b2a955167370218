//! Plan groups: plans that are looked at together, listed one by one or found by a pattern. A plan
//! may be in many groups.

mod selector;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::names::{check_id, check_name, random_id};

use selector::Selector;
pub use selector::SelectorType;

/// Plans that a group lists at most.
const PLANS_MAX: usize = 10_000;

/// How a group comes by its plans.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupKind {
    /// They are listed.
    #[default]
    Manual,
    /// Their id or name fits a pattern.
    Auto,
}

/// What a group is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupDefinition {
    /// What people call it.
    pub name: String,
    /// How it comes by its plans.
    #[serde(rename = "type", default)]
    pub kind: GroupKind,
    /// The ids of its plans, as senders name them; those of a manual group.
    #[serde(default)]
    pub plans: Vec<String>,
    /// How an auto group's pattern is meant.
    #[serde(default)]
    pub selector_type: Option<SelectorType>,
    /// An auto group's pattern.
    #[serde(default)]
    pub selector: Option<String>,
}

/// A group of plans.
#[derive(Debug, Clone, Serialize)]
pub struct PlanGroup {
    /// Its id.
    pub id: String,
    /// What it is.
    #[serde(flatten)]
    pub definition: GroupDefinition,
    /// When it became that.
    pub changed_at: DateTime<Utc>,
    #[serde(skip)]
    selector: Selector,
}

impl GroupDefinition {
    pub(crate) fn to_text(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|error| Error::Internal(format!("write a plan group: {error}")))
    }

    /// The same without what its kind does not use, if it makes sense.
    fn checked(self) -> Result<GroupDefinition> {
        check_name("plan group", &self.name)?;
        if self.kind == GroupKind::Auto {
            return Ok(GroupDefinition { plans: Vec::new(), ..self });
        }
        let mut listed = HashSet::new();
        let mut plans = self.plans;
        plans.retain(|plan| !plan.is_empty() && listed.insert(plan.clone()));
        if plans.is_empty() || plans.len() > PLANS_MAX {
            let message = format!(
                "a manual plan group has 1 to {PLANS_MAX} plans, not {}; list their ids",
                plans.len()
            );
            return Err(Error::Argument(message));
        }
        Ok(GroupDefinition { plans, selector_type: None, selector: None, ..self })
    }
}

impl PlanGroup {
    pub(crate) fn of(
        id: String,
        definition: GroupDefinition,
        changed_at: DateTime<Utc>,
    ) -> Result<PlanGroup> {
        let selector = Selector::of(&definition)?;
        Ok(PlanGroup { id, definition, changed_at, selector })
    }

    /// Whether a plan is in the group: it is listed, or its id or name fits the pattern.
    pub fn takes(&self, plan_id: &str, plan_name: &str) -> bool {
        self.selector.takes(plan_id, plan_name)
    }
}

impl Engine {
    /// The plan groups, by their ids.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn plan_groups(&self) -> Result<Vec<PlanGroup>> {
        self.core.catalog.plan_groups().await
    }

    /// The plan group with this id.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn plan_group(&self, id: &str) -> Result<Option<PlanGroup>> {
        self.core.catalog.plan_group(id).await
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
        let group = PlanGroup::of(id.to_string(), definition, self.core.now())?;
        let changed_at = self.core.catalog.put_plan_group(id, text, group.changed_at).await?;
        Ok(PlanGroup { changed_at, ..group })
    }

    /// Deletes a plan group; whether it was there. What it was stays known.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub async fn delete_plan_group(&self, id: &str) -> Result<bool> {
        self.core.catalog.delete_plan_group(id, self.core.now()).await
    }
}
