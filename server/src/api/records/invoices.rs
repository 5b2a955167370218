//! Invoices.

use axum::extract::State;
use axum::response::Response;
use mrrow_engine::model::ObjectType;

use super::lists::{RecordList, RecordListQuery, respond_with_list};
use super::operations::{self, FieldChanges, read};
use super::responses::InvoiceResponse;
use super::state::RecordsState;
use crate::error::{ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::data_source::SourceQuery;
use crate::http::extract::{Json, Path, Query};
use crate::http::success::Success;
use crate::snapshots::RecordRow;

const OBJECT: ObjectType = ObjectType::Invoices;

/// The invoices of a data source.
#[utoipa::path(get, path = "/invoices", tag = "data", params(RecordListQuery),
    responses((status = 200, description = "the invoices", body = RecordList<InvoiceResponse>),
              (status = 404, description = "no such data source", body = ErrorBody)))]
pub(super) async fn list(
    State(state): State<RecordsState>,
    caller: Caller,
    Query(query): Query<RecordListQuery>,
) -> Result<Response> {
    respond_with_list(&state, &caller, OBJECT, query).await
}

/// One invoice.
#[utoipa::path(get, path = "/invoices/{id}", tag = "data",
    params(("id" = String, Path, description = "the invoice's id"), SourceQuery),
    responses((status = 200, description = "the invoice", body = InvoiceResponse),
              (status = 404, description = "no such invoice, or no such data source",
                  body = ErrorBody),
              (status = 409, description = "several data sources have such an invoice; name one",
                  body = ErrorBody)))]
pub(super) async fn show(
    State(state): State<RecordsState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SourceQuery>,
) -> Result<axum::Json<InvoiceResponse>> {
    let (_, batch) = read(&state, &caller, OBJECT, &id, &query).await?;
    Ok(axum::Json(InvoiceResponse::of(&RecordRow { batch: &batch, at: 0 })?))
}

/// Changes fields of an invoice.
#[utoipa::path(put, path = "/invoices/{id}", tag = "data",
    params(("id" = String, Path, description = "the invoice's id"), SourceQuery),
    request_body = Object,
    responses((status = 200, description = "it is changed", body = Success),
              (status = 404, description = "no such invoice, or no such data source",
                  body = ErrorBody),
              (status = 409,
                  description = "several data sources have such an invoice, or another request \
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

/// Deletes an invoice and its movements.
#[utoipa::path(delete, path = "/invoices/{id}", tag = "data",
    params(("id" = String, Path, description = "the invoice's id"), SourceQuery),
    responses((status = 200, description = "it is deleted", body = Success),
              (status = 404, description = "no such invoice, or no such data source",
                  body = ErrorBody),
              (status = 409, description = "several data sources have such an invoice; name one",
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
