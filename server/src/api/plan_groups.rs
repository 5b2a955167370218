//! Plan groups for GrowPanel's clients: `/data/plan-groups`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{FromRef, State};
use futures::TryStreamExt;
use mrrow_engine::model::ObjectType;
use mrrow_engine::plan_groups::{GroupDefinition, GroupKind, PlanGroup};
use mrrow_engine::{Engine, RecordsQuery};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{ApiError, ErrorBody, Result};
use crate::http::body::Bodies;
use crate::http::caller::{Caller, KeyLookup};
use crate::http::data_source::visible_sources;
use crate::http::extract::{Json, Path, Query};
use crate::http::random::random_bytes;
use crate::http::success::Success;
use crate::random::Random;
use crate::snapshots::{RecordRow, SnapshotReader};

pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    KeyLookup: FromRef<S>,
    Bodies: FromRef<S>,
    PlanGroupsState: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, update, delete))
}

#[derive(Clone)]
pub(crate) struct PlanGroupsState {
    pub(crate) engine: Arc<Engine>,
    pub(crate) snapshots: SnapshotReader,
    pub(crate) random: Random,
}

/// A plan group.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Group)]
pub(crate) struct PlanGroupResponse {
    id: String,
    name: String,
    /// `manual`: a list of plans; `auto`: a pattern for plans.
    #[serde(rename = "type")]
    #[schema(example = "manual")]
    kind: GroupKindName,
    /// The ids of its plans, in all data sources.
    plans: Vec<String>,
    /// The kind of the pattern.
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
    result: GroupList,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedGroups)]
struct GroupList {
    /// The number of listed groups.
    count: usize,
    list: Vec<PlanGroupResponse>,
}

/// A new plan group, or changes of one.
#[derive(Debug, Deserialize, ToSchema)]
struct GroupRequest {
    /// Required for a new one.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<GroupKindName>,
    /// The plans of a manual group.
    plans: Option<Vec<PlanRef>>,
    /// `contains`, `startswith`, `endswith` or `regex`.
    #[schema(example = "startswith")]
    selector_type: Option<String>,
    /// The pattern for the ids or names of an auto group's plans.
    selector: Option<String>,
}

/// A plan: its id, or an object with its id.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
enum PlanRef {
    Id(String),
    Object { id: String },
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct GroupListQuery {
    /// The most groups to list; all by default.
    limit: Option<usize>,
}

/// The plan groups.
#[utoipa::path(get, path = "/plan-groups", tag = "data", params(GroupListQuery),
    responses((status = 200, description = "the plan groups", body = Groups)))]
async fn list(
    State(state): State<PlanGroupsState>,
    caller: Caller,
    Query(query): Query<GroupListQuery>,
) -> Result<axum::Json<Groups>> {
    let mut groups = state.engine.plan_groups().await?;
    groups.truncate(query.limit.unwrap_or(usize::MAX));
    let plans = visible_plans(&state, &caller, &groups).await?;
    let list: Vec<PlanGroupResponse> =
        groups.into_iter().map(|group| response(group, plans.as_ref())).collect();
    Ok(axum::Json(Groups { result: GroupList { count: list.len(), list } }))
}

/// One plan group.
#[utoipa::path(get, path = "/plan-groups/{id}", tag = "data",
    params(("id" = String, Path, description = "the group's id")),
    responses((status = 200, description = "the plan group", body = PlanGroupResponse),
              (status = 404, description = "no such plan group", body = ErrorBody)))]
async fn show(
    State(state): State<PlanGroupsState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<PlanGroupResponse>> {
    let group = state.engine.plan_group(&id).await?.ok_or_else(|| not_found(&id))?;
    let plans = visible_plans(&state, &caller, std::slice::from_ref(&group)).await?;
    Ok(axum::Json(response(group, plans.as_ref())))
}

/// Creates a plan group.
#[utoipa::path(post, path = "/plan-groups", tag = "data", request_body = GroupRequest,
    responses((status = 200, description = "it is created", body = Success)))]
async fn create(
    State(state): State<PlanGroupsState>,
    caller: Caller,
    Json(request): Json<GroupRequest>,
) -> Result<axum::Json<Success>> {
    require_unrestricted_admin(&caller)?;
    let definition = with_changes(GroupDefinition::default(), request)?;
    let group = state.engine.create_plan_group(definition, random_bytes(&state.random)?).await?;
    Ok(axum::Json(Success::of(group.id)))
}

/// Changes a plan group; fields that are not sent stay.
#[utoipa::path(put, path = "/plan-groups/{id}", tag = "data",
    params(("id" = String, Path, description = "the group's id")),
    request_body = GroupRequest,
    responses((status = 200, description = "it is changed", body = Success),
              (status = 404, description = "no such plan group", body = ErrorBody)))]
async fn update(
    State(state): State<PlanGroupsState>,
    caller: Caller,
    Path(id): Path<String>,
    Json(request): Json<GroupRequest>,
) -> Result<axum::Json<Success>> {
    require_unrestricted_admin(&caller)?;
    let before = state.engine.plan_group(&id).await?.ok_or_else(|| not_found(&id))?;
    let group = state.engine.put_plan_group(&id, with_changes(before.definition, request)?).await?;
    Ok(axum::Json(Success::of(group.id)))
}

/// Deletes a plan group; its plans stay.
#[utoipa::path(delete, path = "/plan-groups/{id}", tag = "data",
    params(("id" = String, Path, description = "the group's id")),
    responses((status = 200, description = "it is deleted", body = Success),
              (status = 404, description = "no such plan group", body = ErrorBody)))]
async fn delete(
    State(state): State<PlanGroupsState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Success>> {
    require_unrestricted_admin(&caller)?;
    match state.engine.delete_plan_group(&id).await? {
        true => Ok(axum::Json(Success::of(id))),
        false => Err(not_found(&id)),
    }
}

/// Groups apply to all data sources.
fn require_unrestricted_admin(caller: &Caller) -> Result<()> {
    caller.require_admin()?;
    caller.require_all_sources()
}

fn not_found(id: &str) -> ApiError {
    ApiError::not_found(
        "plan_group_not_found",
        format!("there is no plan group \"{id}\"; GET /data/plan-groups lists all groups"),
    )
}

/// A definition with the changes of a request.
fn with_changes(before: GroupDefinition, request: GroupRequest) -> Result<GroupDefinition> {
    let GroupRequest { name, kind, plans, selector_type, selector } = request;
    let plans = plans.map(|plans| plans.into_iter().map(PlanRef::into_id).collect::<Vec<_>>());
    let lists_plans = plans.as_ref().is_some_and(|plans| !plans.is_empty()) && selector.is_none();
    let kind = match kind {
        Some(GroupKindName::Manual) => GroupKind::Manual,
        Some(GroupKindName::Auto) => GroupKind::Auto,
        None if lists_plans => GroupKind::Manual,
        None => before.kind,
    };
    let selector_type = match selector_type {
        Some(word) => {
            Some(parse_word("selector_type", &word, "contains, startswith, endswith or regex")?)
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

/// Parses a word of an enumeration.
fn parse_word<T: DeserializeOwned>(field: &str, word: &str, listed: &str) -> Result<T> {
    serde_json::from_value(serde_json::Value::from(word)).map_err(|_| {
        ApiError::invalid(field, format!("\"{field}\" must be {listed}, not \"{word}\""))
    })
}

impl PlanRef {
    fn into_id(self) -> String {
        match self {
            PlanRef::Id(id) | PlanRef::Object { id } => id,
        }
    }
}

/// The ids and names of the plans that the key reaches; none if the groups do not need them.
async fn visible_plans(
    state: &PlanGroupsState,
    caller: &Caller,
    groups: &[PlanGroup],
) -> Result<Option<BTreeMap<String, Vec<String>>>> {
    let is_restricted = caller.key.data_sources.is_some();
    if !is_restricted && groups.iter().all(|group| group.definition.kind == GroupKind::Manual) {
        return Ok(None);
    }
    let mut snapshot = state.snapshots.read_acknowledged().await?;
    if is_restricted {
        let sources: Vec<String> = visible_sources(&state.engine, caller)
            .await?
            .into_iter()
            .map(|source| source.id)
            .collect();
        snapshot = snapshot.restricted_to(&sources);
    }
    let mut plans = BTreeMap::<String, Vec<String>>::new();
    let mut batches = snapshot.records(&RecordsQuery::of(ObjectType::Plans)).await?;
    while let Some(batch) = batches.try_next().await.map_err(mrrow_engine::Error::from)? {
        for at in 0..batch.num_rows() {
            let row = RecordRow { batch: &batch, at };
            plans.entry(row.required("id")?).or_default().push(row.required("name")?);
        }
    }
    Ok(Some(plans))
}

/// The response for a group. `plans` are the visible ones of a restricted key, or those that a
/// pattern may match.
fn response(group: PlanGroup, plans: Option<&BTreeMap<String, Vec<String>>>) -> PlanGroupResponse {
    let matches = |id: &str, names: &[String]| names.iter().any(|name| group.takes(id, name));
    let ids = match (group.definition.kind, plans) {
        (GroupKind::Manual, None) | (GroupKind::Auto, None) => group.definition.plans.clone(),
        (GroupKind::Manual, Some(plans)) => {
            group.definition.plans.iter().filter(|id| plans.contains_key(*id)).cloned().collect()
        }
        (GroupKind::Auto, Some(plans)) => plans
            .iter()
            .filter(|(id, names)| matches(id, names))
            .map(|(id, _)| id.clone())
            .collect(),
    };
    let selector_type =
        group.definition.selector_type.and_then(|word| serde_json::to_value(word).ok());
    PlanGroupResponse {
        id: group.id,
        name: group.definition.name,
        kind: match group.definition.kind {
            GroupKind::Manual => GroupKindName::Manual,
            GroupKind::Auto => GroupKindName::Auto,
        },
        plans: ids,
        selector_type: selector_type.and_then(|word| word.as_str().map(str::to_string)),
        selector: group.definition.selector,
    }
}
