//! Customers.

use axum::extract::State;
use axum::response::Response;
use mrrow_engine::model::ObjectType;

use super::customer_mrr::CustomerMrrStream;
use super::lists::{RecordList, RecordListQuery, respond_with_list};
use super::operations::{self, FieldChanges, read};
use super::responses::CustomerResponse;
use super::state::RecordsState;
use crate::error::{ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::data_source::SourceQuery;
use crate::http::extract::{Json, Path, Query};
use crate::http::success::Success;
use crate::snapshots::RecordRow;

const OBJECT: ObjectType = ObjectType::Customers;

/// The customers of a data source.
#[utoipa::path(get, path = "/customers", tag = "data", params(RecordListQuery),
    responses((status = 200, description = "the customers", body = RecordList<CustomerResponse>),
              (status = 404, description = "no such data source", body = ErrorBody)))]
pub(super) async fn list(
    State(state): State<RecordsState>,
    caller: Caller,
    Query(query): Query<RecordListQuery>,
) -> Result<Response> {
    respond_with_list(&state, &caller, OBJECT, query).await
}

/// One customer, with the numbers of its movements.
#[utoipa::path(get, path = "/customers/{id}", tag = "data",
    params(("id" = String, Path, description = "the customer's id"), SourceQuery),
    responses((status = 200, description = "the customer", body = CustomerResponse),
              (status = 404, description = "no such customer, or no such data source",
                  body = ErrorBody),
              (status = 409, description = "several data sources have such a customer; name one",
                  body = ErrorBody)))]
pub(super) async fn show(
    State(state): State<RecordsState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SourceQuery>,
) -> Result<axum::Json<CustomerResponse>> {
    let (snapshot, batch) = read(&state, &caller, OBJECT, &id, &query).await?;
    let row = RecordRow { batch: &batch, at: 0 };
    let source = row.required("data_source")?;
    let mut mrr = CustomerMrrStream::of(&snapshot, Some(&source), Some(&id)).await?;
    let mrr = mrr.take(&source, &id).await?;
    Ok(axum::Json(CustomerResponse::of(&row, &mrr)?))
}

/// Changes fields of a customer. Its subscriptions and MRR depend only on its invoices.
#[utoipa::path(put, path = "/customers/{id}", tag = "data",
    params(("id" = String, Path, description = "the customer's id"), SourceQuery),
    request_body = Object,
    responses((status = 200, description = "it is changed", body = Success),
              (status = 404, description = "no such customer, or no such data source",
                  body = ErrorBody),
              (status = 409,
                  description = "several data sources have such a customer, or another request \
                      changed it", body = ErrorBody)))]
pub(super) async fn update(
    State(state): State<RecordsState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SourceQuery>,
    Json(changes): Json<FieldChanges>,
) -> Result<axum::Json<Success>> {
    let sequence = operations::update(&state, &caller, OBJECT, &id, query, &changes).await?;
    Ok(axum::Json(Success::acknowledged(id, sequence)))
}

/// Deletes a customer: its invoices are hidden, and it has no movements, until it is pushed again.
#[utoipa::path(delete, path = "/customers/{id}", tag = "data",
    params(("id" = String, Path, description = "the customer's id"), SourceQuery),
    responses((status = 200, description = "it is deleted", body = Success),
              (status = 404, description = "no such customer, or no such data source",
                  body = ErrorBody),
              (status = 409, description = "several data sources have such a customer; name one",
                  body = ErrorBody)))]
pub(super) async fn delete(
    State(state): State<RecordsState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SourceQuery>,
) -> Result<axum::Json<Success>> {
    let sequence = operations::delete(&state, &caller, OBJECT, &id, &query).await?;
    Ok(axum::Json(Success::acknowledged(id, sequence)))
}
