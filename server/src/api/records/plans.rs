//! Plans.

use axum::extract::State;
use axum::response::Response;
use mrrow_engine::ingest::field_name;
use mrrow_engine::model::ObjectType;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::lists::{RecordList, RecordListQuery, respond_with_list};
use super::operations::{self, FieldChanges, read};
use super::responses::PlanResponse;
use super::state::RecordsState;
use crate::error::{ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::data_source::SourceQuery;
use crate::http::extract::{Json, Path, Query};
use crate::snapshots::RecordRow;

const OBJECT: ObjectType = ObjectType::Plans;

/// A plan was changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlanUpdated)]
pub(super) struct PlanUpdateResponse {
    #[schema(example = "success")]
    result: &'static str,
    /// The plan's id.
    updated: String,
    /// A read with this `?min_sequence=` contains the change.
    sequence: i64,
}

/// A plan was deleted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlanDeleted)]
pub(super) struct PlanDeletionResponse {
    #[schema(example = "success")]
    result: &'static str,
    /// The plan's id.
    deleted: String,
    /// A read with this `?min_sequence=` contains the deletion.
    sequence: i64,
}

/// The plans of a data source, or of all that the key reaches.
#[utoipa::path(get, path = "/plans", tag = "data", params(RecordListQuery),
    responses((status = 200, description = "the plans", body = RecordList<PlanResponse>),
              (status = 404, description = "no such data source", body = ErrorBody)))]
pub(super) async fn list(
    State(state): State<RecordsState>,
    caller: Caller,
    Query(query): Query<RecordListQuery>,
) -> Result<Response> {
    respond_with_list(&state, &caller, OBJECT, query).await
}

/// One plan.
#[utoipa::path(get, path = "/plans/{id}", tag = "data",
    params(("id" = String, Path, description = "the plan's id"), SourceQuery),
    responses((status = 200, description = "the plan", body = PlanResponse),
              (status = 404, description = "no such plan, or no such data source",
                  body = ErrorBody),
              (status = 409, description = "several data sources have such a plan; name one",
                  body = ErrorBody)))]
pub(super) async fn show(
    State(state): State<RecordsState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SourceQuery>,
) -> Result<axum::Json<PlanResponse>> {
    let (_, batch) = read(&state, &caller, OBJECT, &id, &query).await?;
    Ok(axum::Json(PlanResponse::of(&RecordRow { batch: &batch, at: 0 })?))
}

/// Changes fields of a plan. A new interval without a count has the count 1.
#[utoipa::path(put, path = "/plans/{id}", tag = "data",
    params(("id" = String, Path, description = "the plan's id"), SourceQuery),
    request_body = Object,
    responses((status = 200, description = "it is changed", body = PlanUpdateResponse),
              (status = 404, description = "no such plan, or no such data source",
                  body = ErrorBody),
              (status = 409,
                  description = "several data sources have such a plan, or another request \
                      changed it", body = ErrorBody)))]
pub(super) async fn update(
    State(state): State<RecordsState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SourceQuery>,
    Json(mut changes): Json<FieldChanges>,
) -> Result<axum::Json<PlanUpdateResponse>> {
    let has = |ours: &str| changes.keys().any(|name| field_name(OBJECT, name) == Some(ours));
    if has("interval") && !has("interval_count") {
        changes.insert("interval_count".to_string(), RawValue::NULL.to_owned());
    }
    let sequence = operations::update(&state, &caller, OBJECT, &id, query, &changes).await?;
    Ok(axum::Json(PlanUpdateResponse { result: "success", updated: id, sequence }))
}

/// Deletes a plan; a body is not needed. Invoices of this plan have no MRR any more.
#[utoipa::path(delete, path = "/plans/{id}", tag = "data",
    params(("id" = String, Path, description = "the plan's id"), SourceQuery),
    responses((status = 200, description = "it is deleted", body = PlanDeletionResponse),
              (status = 404, description = "no such plan, or no such data source",
                  body = ErrorBody),
              (status = 409, description = "several data sources have such a plan; name one",
                  body = ErrorBody)))]
pub(super) async fn delete(
    State(state): State<RecordsState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SourceQuery>,
) -> Result<axum::Json<PlanDeletionResponse>> {
    let sequence = operations::delete(&state, &caller, OBJECT, &id, &query).await?;
    Ok(axum::Json(PlanDeletionResponse { result: "success", deleted: id, sequence }))
}
