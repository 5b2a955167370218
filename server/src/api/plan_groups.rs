//! Plan groups as GrowPanel's clients keep them: `/data/plan-groups`.

use std::collections::BTreeMap;

use axum::extract::State;
use futures::TryStreamExt;
use mrrow_engine::RecordsQuery;
use mrrow_engine::model::ObjectType;
use mrrow_engine::plan_groups::{GroupDefinition, GroupKind, PlanGroup};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::records::{Row, fresh};
use crate::app::App;
use crate::error::{ApiError, ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::data_source::visible_sources;
use crate::http::extract::{Json, Path, Query};
use crate::http::success::Success;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, update, delete))
}

/// A plan group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Group {
    id: String,
    name: String,
    /// `manual`, its plans are listed, or `auto`, a pattern finds them.
    #[serde(rename = "type")]
    #[schema(example = "manual")]
    kind: GroupKindName,
    /// The ids of its plans, in all data sources.
    plans: Vec<String>,
    /// How the pattern is meant.
    selector_type: Option<String>,
    /// The pattern.
    selector: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum GroupKindName {
    Manual,
    Auto,
}

/// The plan groups.
#[derive(Debug, Serialize, ToSchema)]
struct Groups {
    result: ListedGroups,
}

#[derive(Debug, Serialize, ToSchema)]
struct ListedGroups {
    /// How many are listed.
    count: usize,
    list: Vec<Group>,
}

/// What a group is to be.
#[derive(Debug, Deserialize, ToSchema)]
struct GroupRequest {
    /// Needed of a new one.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<GroupKindName>,
    /// The plans of a manual group.
    plans: Option<Vec<PlanRef>>,
    /// `contains`, `startswith`, `endswith` or `regex`.
    #[schema(example = "startswith")]
    selector_type: Option<String>,
    /// The pattern that ids or names of an auto group's plans fit.
    selector: Option<String>,
}

/// A plan: its id, or an object that has it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
enum PlanRef {
    Id(String),
    Object { id: String },
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only the first so many; all unless given.
    limit: Option<usize>,
}

/// The plan groups.
#[utoipa::path(get, path = "/plan-groups", tag = "data", params(ListQuery),
    responses((status = 200, description = "the plan groups", body = Groups)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Groups>> {
    let mut groups = app.engine.plan_groups().await?;
    groups.truncate(query.limit.unwrap_or(usize::MAX));
    let plans = plans(&app, &caller, &groups).await?;
    let list: Vec<Group> = groups.into_iter().map(|group| shown(group, plans.as_ref())).collect();
    Ok(axum::Json(Groups { result: ListedGroups { count: list.len(), list } }))
}

/// One plan group.
#[utoipa::path(get, path = "/plan-groups/{id}", tag = "data", params(("id" = String, Path, description = "the group's id")),
    responses((status = 200, description = "the plan group", body = Group),
              (status = 404, description = "no such plan group", body = ErrorBody)))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Group>> {
    let group = app.engine.plan_group(&id).await?.ok_or_else(|| not_found(&id))?;
    let plans = plans(&app, &caller, std::slice::from_ref(&group)).await?;
    Ok(axum::Json(shown(group, plans.as_ref())))
}

/// Makes a plan group.
#[utoipa::path(post, path = "/plan-groups", tag = "data", request_body = GroupRequest,
    responses((status = 200, description = "it is made", body = Success)))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(request): Json<GroupRequest>,
) -> Result<axum::Json<Success>> {
    require_all(&caller)?;
    let definition = laid_over(GroupDefinition::default(), request)?;
    let group = app.engine.create_plan_group(definition, app.random()?).await?;
    Ok(axum::Json(Success::of(group.id)))
}

/// Changes a plan group; what is not given stays.
#[utoipa::path(put, path = "/plan-groups/{id}", tag = "data", params(("id" = String, Path, description = "the group's id")),
    request_body = GroupRequest,
    responses((status = 200, description = "it is changed", body = Success),
              (status = 404, description = "no such plan group", body = ErrorBody)))]
async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(request): Json<GroupRequest>,
) -> Result<axum::Json<Success>> {
    require_all(&caller)?;
    let before = app.engine.plan_group(&id).await?.ok_or_else(|| not_found(&id))?;
    let group = app.engine.put_plan_group(&id, laid_over(before.definition, request)?).await?;
    Ok(axum::Json(Success::of(group.id)))
}

/// Deletes a plan group; its plans stay.
#[utoipa::path(delete, path = "/plan-groups/{id}", tag = "data", params(("id" = String, Path, description = "the group's id")),
    responses((status = 200, description = "it is deleted", body = Success),
              (status = 404, description = "no such plan group", body = ErrorBody)))]
async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Success>> {
    require_all(&caller)?;
    match app.engine.delete_plan_group(&id).await? {
        true => Ok(axum::Json(Success::of(id))),
        false => Err(not_found(&id)),
    }
}

/// Groups are of all data sources.
fn require_all(caller: &Caller) -> Result<()> {
    caller.require_admin()?;
    caller.require_all_sources()
}

fn not_found(id: &str) -> ApiError {
    ApiError::not_found(
        "plan_group_not_found",
        format!("there is no plan group \"{id}\"; GET /data/plan-groups lists them"),
    )
}

/// A definition with what is asked for in it.
fn laid_over(before: GroupDefinition, request: GroupRequest) -> Result<GroupDefinition> {
    let GroupRequest { name, kind, plans, selector_type, selector } = request;
    let plans = plans.map(|plans| plans.into_iter().map(PlanRef::id).collect::<Vec<_>>());
    let lists_plans = plans.as_ref().is_some_and(|plans| !plans.is_empty()) && selector.is_none();
    let kind = match kind {
        Some(GroupKindName::Manual) => GroupKind::Manual,
        Some(GroupKindName::Auto) => GroupKind::Auto,
        None if lists_plans => GroupKind::Manual,
        None => before.kind,
    };
    let selector_type = match selector_type {
        Some(word) => {
            Some(word_of("selector_type", &word, "contains, startswith, endswith or regex")?)
        }
        None => before.selector_type,
    };
    Ok(GroupDefinition {
        name: name.unwrap_or(before.name),
        kind,
        plans: plans.unwrap_or(before.plans),
        selector_type,
        selector: selector.or(before.selector),
    })
}

/// The value that a word stands for.
fn word_of<T: DeserializeOwned>(field: &str, word: &str, listed: &str) -> Result<T> {
    serde_json::from_value(serde_json::Value::from(word)).map_err(|_| {
        ApiError::invalid(field, format!("\"{field}\" must be {listed}, not \"{word}\""))
    })
}

impl PlanRef {
    fn id(self) -> String {
        match self {
            PlanRef::Id(id) | PlanRef::Object { id } => id,
        }
    }
}

/// The ids and names of the plans that the caller sees; none where nobody asks for them.
async fn plans(
    app: &App,
    caller: &Caller,
    groups: &[PlanGroup],
) -> Result<Option<BTreeMap<String, Vec<String>>>> {
    let is_restricted = caller.key.data_sources.is_some();
    if !is_restricted && groups.iter().all(|group| group.definition.kind == GroupKind::Manual) {
        return Ok(None);
    }
    let mut snapshot = fresh(app).await?;
    if is_restricted {
        let seen: Vec<String> =
            visible_sources(app, caller).await?.into_iter().map(|source| source.id).collect();
        snapshot = snapshot.restricted_to(&seen);
    }
    let mut plans = BTreeMap::<String, Vec<String>>::new();
    let mut batches = snapshot.records(&RecordsQuery::of(ObjectType::Plans)).await?;
    while let Some(batch) = batches.try_next().await.map_err(mrrow_engine::Error::from)? {
        for at in 0..batch.num_rows() {
            let row = Row { batch: &batch, at };
            plans.entry(row.required("id")?).or_default().push(row.required("name")?);
        }
    }
    Ok(Some(plans))
}

/// A group with its plans, of which whoever is restricted sees only some.
fn shown(group: PlanGroup, plans: Option<&BTreeMap<String, Vec<String>>>) -> Group {
    let takes = |id: &str, names: &[String]| names.iter().any(|name| group.takes(id, name));
    let in_it = match (group.definition.kind, plans) {
        (GroupKind::Manual, None) | (GroupKind::Auto, None) => group.definition.plans.clone(),
        (GroupKind::Manual, Some(plans)) => {
            group.definition.plans.iter().filter(|id| plans.contains_key(*id)).cloned().collect()
        }
        (GroupKind::Auto, Some(plans)) => {
            plans.iter().filter(|(id, names)| takes(id, names)).map(|(id, _)| id.clone()).collect()
        }
    };
    let selector_type =
        group.definition.selector_type.and_then(|word| serde_json::to_value(word).ok());
    Group {
        id: group.id,
        name: group.definition.name,
        kind: match group.definition.kind {
            GroupKind::Manual => GroupKindName::Manual,
            GroupKind::Auto => GroupKindName::Auto,
        },
        plans: in_it,
        selector_type: selector_type.and_then(|word| word.as_str().map(str::to_string)),
        selector: group.definition.selector,
    }
}
