//! One customer.

use axum::extract::State;
use mrrow_engine::model::ObjectType;
use mrrow_engine::reports::LivesQuery;

use super::change::{self, Changes};
use super::lives::Lives;
use super::shapes::{Customer, Row};
use crate::app::App;
use crate::error::{ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::data_source::SourceQuery;
use crate::http::extract::{Json, Path, Query};
use crate::http::success::Success;

/// One customer, with what its movements tell.
#[utoipa::path(get, path = "/customers/{id}", tag = "data", params(("id" = String, Path, description = "the customer's id"), SourceQuery),
    responses((status = 200, description = "the customer", body = Customer),
              (status = 404, description = "no such customer, or no such data source", body = ErrorBody),
              (status = 409, description = "several data sources have such a customer; name one", body = ErrorBody)))]
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SourceQuery>,
) -> Result<axum::Json<Customer>> {
    let (snapshot, batch) = change::read(&app, &caller, ObjectType::Customers, &id, &query).await?;
    let row = Row { batch: &batch, at: 0 };
    let source = row.required("data_source")?;
    let query = LivesQuery { data_source: Some(source.clone()), customer: Some(id.clone()) };
    let lives = Lives::of(&snapshot, &query).await?.take(&source, &id).await?;
    Ok(axum::Json(Customer::of(&row, &lives)?))
}

/// Changes fields of a customer. Its subscriptions and MRR follow from its invoices alone.
#[utoipa::path(put, path = "/customers/{id}", tag = "data", params(("id" = String, Path, description = "the customer's id"), SourceQuery),
    request_body = Object,
    responses((status = 200, description = "it is changed", body = Success),
              (status = 404, description = "no such customer, or no such data source", body = ErrorBody),
              (status = 409, description = "several data sources have such a customer, or it was changed meanwhile", body = ErrorBody)))]
pub(super) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SourceQuery>,
    Json(changes): Json<Changes>,
) -> Result<axum::Json<Success>> {
    let sequence =
        change::update(&app, &caller, ObjectType::Customers, &id, query, &changes).await?;
    Ok(axum::Json(Success::acknowledged(id, sequence)))
}

/// Deletes a customer: its invoices are hidden, and it has no movements. Sent again, it has them
/// again.
#[utoipa::path(delete, path = "/customers/{id}", tag = "data", params(("id" = String, Path, description = "the customer's id"), SourceQuery),
    responses((status = 200, description = "it is deleted", body = Success),
              (status = 404, description = "no such customer, or no such data source", body = ErrorBody),
              (status = 409, description = "several data sources have such a customer; name one", body = ErrorBody)))]
pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SourceQuery>,
) -> Result<axum::Json<Success>> {
    let sequence = change::delete(&app, &caller, ObjectType::Customers, &id, &query).await?;
    Ok(axum::Json(Success::acknowledged(id, sequence)))
}
