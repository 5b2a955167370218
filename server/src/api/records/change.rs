//! One plan or invoice, and how records are changed and deleted.

use std::collections::BTreeMap;

use axum::extract::State;
use futures::TryStreamExt;
use mrrow_engine::arrow::array::RecordBatch;
use mrrow_engine::ingest::{Dialect, field_name};
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::PushOptions;
use mrrow_engine::{RecordId, RecordsQuery, RowStatus};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::shapes::{Invoice, Plan, Row};
use super::{fresh, record_not_found, settled, source_of_record};
use crate::api::push::{Pointer, invalid_records};
use crate::app::App;
use crate::error::{ApiError, ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::data_source::SourceQuery;
use crate::http::extract::{Json, Path, Query};
use crate::http::success::Success;

/// What is to change: fields under either of their names, null to empty one.
pub(super) type Changes = BTreeMap<String, Box<RawValue>>;

/// A plan was changed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlanUpdated {
    #[schema(example = "success")]
    result: &'static str,
    /// The plan's id.
    updated: String,
    /// A read with `?min_sequence=` this sees it.
    sequence: i64,
}

/// A plan was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlanDeleted {
    #[schema(example = "success")]
    result: &'static str,
    /// The plan's id.
    deleted: String,
    /// A read with `?min_sequence=` this sees it.
    sequence: i64,
}

/// One plan.
#[utoipa::path(get, path = "/plans/{id}", tag = "data", params(("id" = String, Path, description = "the plan's id"), SourceQuery),
    responses((status = 200, description = "the plan", body = Plan),
              (status = 404, description = "no such plan, or no such data source", body = ErrorBody),
              (status = 409, description = "several data sources have such a plan; name one", body = ErrorBody)))]
pub(super) async fn show_plan(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SourceQuery>,
) -> Result<axum::Json<Plan>> {
    let (_, batch) = read(&app, &caller, ObjectType::Plans, &id, &query).await?;
    Ok(axum::Json(Plan::of(&Row { batch: &batch, at: 0 })?))
}

/// Changes fields of a plan; a new interval without a count is one of it.
#[utoipa::path(put, path = "/plans/{id}", tag = "data", params(("id" = String, Path, description = "the plan's id"), SourceQuery),
    request_body = Object,
    responses((status = 200, description = "it is changed", body = PlanUpdated),
              (status = 404, description = "no such plan, or no such data source", body = ErrorBody),
              (status = 409, description = "several data sources have such a plan, or it was changed meanwhile", body = ErrorBody)))]
pub(super) async fn update_plan(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SourceQuery>,
    Json(mut changes): Json<Changes>,
) -> Result<axum::Json<PlanUpdated>> {
    let has =
        |ours: &str| changes.keys().any(|name| field_name(ObjectType::Plans, name) == Some(ours));
    if has("interval") && !has("interval_count") {
        changes.insert("interval_count".to_string(), RawValue::NULL.to_owned());
    }
    let sequence = update(&app, &caller, ObjectType::Plans, &id, query, &changes).await?;
    Ok(axum::Json(PlanUpdated { result: "success", updated: id, sequence }))
}

/// Deletes a plan; a body is not needed. Invoices that name it have no MRR any more.
#[utoipa::path(delete, path = "/plans/{id}", tag = "data", params(("id" = String, Path, description = "the plan's id"), SourceQuery),
    responses((status = 200, description = "it is deleted", body = PlanDeleted),
              (status = 404, description = "no such plan, or no such data source", body = ErrorBody),
              (status = 409, description = "several data sources have such a plan; name one", body = ErrorBody)))]
pub(super) async fn delete_plan(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SourceQuery>,
) -> Result<axum::Json<PlanDeleted>> {
    let sequence = delete(&app, &caller, ObjectType::Plans, &id, &query).await?;
    Ok(axum::Json(PlanDeleted { result: "success", deleted: id, sequence }))
}

/// One invoice.
#[utoipa::path(get, path = "/invoices/{id}", tag = "data", params(("id" = String, Path, description = "the invoice's id"), SourceQuery),
    responses((status = 200, description = "the invoice", body = Invoice),
              (status = 404, description = "no such invoice, or no such data source", body = ErrorBody),
              (status = 409, description = "several data sources have such an invoice; name one", body = ErrorBody)))]
pub(super) async fn show_invoice(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SourceQuery>,
) -> Result<axum::Json<Invoice>> {
    let (_, batch) = read(&app, &caller, ObjectType::Invoices, &id, &query).await?;
    Ok(axum::Json(Invoice::of(&Row { batch: &batch, at: 0 })?))
}

/// Changes fields of an invoice.
#[utoipa::path(put, path = "/invoices/{id}", tag = "data", params(("id" = String, Path, description = "the invoice's id"), SourceQuery),
    request_body = Object,
    responses((status = 200, description = "it is changed", body = Success),
              (status = 404, description = "no such invoice, or no such data source", body = ErrorBody),
              (status = 409, description = "several data sources have such an invoice, or it was changed meanwhile", body = ErrorBody)))]
pub(super) async fn update_invoice(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SourceQuery>,
    Json(changes): Json<Changes>,
) -> Result<axum::Json<Success>> {
    let sequence = update(&app, &caller, ObjectType::Invoices, &id, query, &changes).await?;
    Ok(axum::Json(Success::acknowledged(id, sequence)))
}

/// Deletes an invoice; the movements are those without it.
#[utoipa::path(delete, path = "/invoices/{id}", tag = "data", params(("id" = String, Path, description = "the invoice's id"), SourceQuery),
    responses((status = 200, description = "it is deleted", body = Success),
              (status = 404, description = "no such invoice, or no such data source", body = ErrorBody),
              (status = 409, description = "several data sources have such an invoice; name one", body = ErrorBody)))]
pub(super) async fn delete_invoice(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SourceQuery>,
) -> Result<axum::Json<Success>> {
    let sequence = delete(&app, &caller, ObjectType::Invoices, &id, &query).await?;
    Ok(axum::Json(Success::acknowledged(id, sequence)))
}

/// A record as the only row of a batch, and the snapshot it is of.
pub(super) async fn read(
    app: &App,
    caller: &Caller,
    object: ObjectType,
    id: &str,
    query: &SourceQuery,
) -> Result<(mrrow_engine::Snapshot, RecordBatch)> {
    let source = source_of_record(app, caller, object, id, query).await?;
    let snapshot = fresh(app).await?;
    let query = RecordsQuery {
        data_source: Some(source),
        id: Some(id.to_string()),
        ..RecordsQuery::of(object)
    };
    let mut batches = snapshot.records(&query).await?;
    while let Some(batch) = batches.try_next().await.map_err(mrrow_engine::Error::from)? {
        if batch.num_rows() > 0 {
            return Ok((snapshot, batch));
        }
    }
    Err(record_not_found(object, id))
}

/// Changes fields of a record; the sequence of the change.
pub(super) async fn update(
    app: &App,
    caller: &Caller,
    object: ObjectType,
    id: &str,
    mut query: SourceQuery,
    changes: &Changes,
) -> Result<i64> {
    caller.require_admin()?;
    for name in changes.keys().filter(|name| field_name(object, name) == Some("id")) {
        if text(&changes[name]).as_deref() != Some(id) {
            return Err(ApiError::invalid(
                name,
                format!("\"{name}\" is not \"{id}\"; an id cannot be changed"),
            ));
        }
    }
    if query.source.is_none() && query.data_source.is_none() {
        query.source = changes.get("data_source").and_then(|source| text(source));
    }
    let data_source = source_of_record(app, caller, object, id, &query).await?;
    settled(app).await?;
    let record = RecordId { data_source, object, id: id.to_string() };
    let options = PushOptions { dialect: Dialect::Clients, ..PushOptions::default() };
    match app.engine.amend(&record, changes, &options).await? {
        None => Err(record_not_found(object, id)),
        Some(pushed) if !pushed.stored => Err(invalid_records(&pushed, &Pointer::Single)),
        Some(pushed) => Ok(pushed.sequence),
    }
}

/// Deletes a record; the sequence of the deletion.
pub(super) async fn delete(
    app: &App,
    caller: &Caller,
    object: ObjectType,
    id: &str,
    query: &SourceQuery,
) -> Result<i64> {
    caller.require_admin()?;
    let source = source_of_record(app, caller, object, id, query).await?;
    let deleted = app.engine.delete(&source, object, &[id.to_string()]).await?;
    match deleted.result.first().map(|row| row.status) {
        Some(RowStatus::Deleted) => Ok(deleted.sequence),
        _ => Err(record_not_found(object, id)),
    }
}

fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}
