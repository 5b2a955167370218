//! `GET /v1/movements`: the movements of MRR.

use axum::extract::State;
use axum::response::Response;
use chrono::NaiveDate;
use mrrow_engine::reports::MovementsQuery;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::request::{Read, ReadOptions, ReadRequest};
use super::state::ReadsState;
use crate::error::{ErrorBody, Result};
use crate::http::extract::Query;
use crate::rows::RowFormat;
use crate::snapshots::ReadParams;

/// The columns before `cause`.
const COLUMNS_WITHOUT_CAUSES: usize = 8;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MovementsParams {
    /// The first day, inclusive.
    #[serde(default, deserialize_with = "crate::snapshots::date")]
    #[param(value_type = Option<String>, format = Date)]
    from: Option<NaiveDate>,
    /// The last day, inclusive.
    #[serde(default, deserialize_with = "crate::snapshots::date")]
    #[param(value_type = Option<String>, format = Date)]
    to: Option<NaiveDate>,
    /// The id of the only customer, in all data sources; SOURCE/ID in one of them.
    customer: Option<String>,
    /// The id or name of the only data source; all by default.
    data_source: Option<String>,
    /// Include movements that are dated after `as_of`.
    #[serde(default, deserialize_with = "crate::http::extract::flag")]
    scheduled: bool,
    /// Include the columns `cause`, `subtype`, `voluntary` and `invoice_ids`.
    #[serde(default, deserialize_with = "crate::http::extract::flag")]
    causes: bool,
    /// The format: json, ndjson, csv, arrow or parquet; by default that of the header Accept.
    #[serde(rename = "format")]
    #[param(rename = "format", pattern = "^(json|ndjson|csv|arrow|parquet)$")]
    _format: Option<String>,
}

/// The movements of a snapshot.
#[derive(Serialize, ToSchema)]
pub(super) struct Movements {
    result: Vec<Movement>,
    /// The number of the snapshot.
    snapshot: i64,
    as_of: NaiveDate,
}

/// A dated signed change of one customer's MRR in one currency. Money is text: minor units with 4
/// digits after the point.
#[derive(Serialize, ToSchema)]
pub(super) struct Movement {
    date: NaiveDate,
    data_source: String,
    customer_id: String,
    currency: String,
    /// new, expansion, contraction, churn or reactivation.
    #[serde(rename = "type")]
    kind: String,
    #[schema(example = "1000.0000")]
    amount: String,
    #[schema(example = "1000.0000")]
    mrr_after: String,
    scheduled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subtype: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    voluntary: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoice_ids: Option<Vec<Option<String>>>,
}

/// The movements of MRR, ordered by date, data source, customer and currency.
#[utoipa::path(get, path = "/movements", tag = "reads", params(MovementsParams, ReadParams),
    responses(
    (status = 200, description = "the movements", content(
        (Movements = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.arrow.stream"),
        (Vec<u8> = "application/vnd.apache.parquet"))),
    (status = 304, description = "the client has them: If-None-Match names their ETag"),
    (status = 404, description = "no such data source", body = ErrorBody),
    (status = 406, description = "Accept names no format of the response", body = ErrorBody),
    (status = 422, description = "the rules cannot be carried out for a customer",
        body = ErrorBody)))]
pub(super) async fn movements(
    State(state): State<ReadsState>,
    request: ReadRequest,
    Query(query): Query<MovementsParams>,
) -> Result<Response> {
    let MovementsParams { from, to, customer, data_source, scheduled, causes, .. } = query;
    let options =
        ReadOptions { data_source: data_source.as_deref(), default_format: RowFormat::Json };
    let read = match request.open(&state, options).await? {
        Read::NotModified(response) => return Ok(response),
        Read::Open(read) => read,
    };
    let query = MovementsQuery { from, to, customer, scheduled };
    let rows = read.snapshot.movements(&query).await?;
    read.respond(rows, (!causes).then_some(COLUMNS_WITHOUT_CAUSES), None).await
}
