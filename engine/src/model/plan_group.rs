//! Plan groups: plans listed one by one, or selected by a pattern.

mod selector;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::names::check_name;
use crate::error::{Error, Result};
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
    pub(crate) fn checked(self) -> Result<GroupDefinition> {
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
