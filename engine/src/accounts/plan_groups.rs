//! Plan groups: sets of plans, listed one by one or found by a pattern. A plan may be in many.

use crate::error::Result;
use crate::model::{GroupDefinition, PlanGroup, check_id};
use crate::store::Store;

/// Creates the plan group with this id, or replaces its definition; the earlier one is retained.
pub(crate) async fn put(store: &Store, id: &str, definition: GroupDefinition) -> Result<PlanGroup> {
    check_id("plan group", id)?;
    let definition = definition.checked()?;
    let text = definition.to_text()?;
    let mut group = PlanGroup::of(id.to_string(), definition, store.now())?;
    group.changed_at = store.catalog.put_plan_group(id, text, group.changed_at).await?;
    Ok(group)
}
