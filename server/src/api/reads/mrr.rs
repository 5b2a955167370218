//! `GET /v1/mrr`: MRR by period and currency.

use axum::extract::State;
use axum::response::Response;
use chrono::NaiveDate;
use mrrow_engine::reports::{Interval, MrrQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::request::{Read, ReadOptions, ReadRequest};
use super::state::ReadsState;
use crate::error::{ApiError, ErrorBody, Result};
use crate::http::extract::Query;
use crate::rows::RowFormat;
use crate::snapshots::ReadParams;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MrrParams {
    /// The length of a period: day, week, month, quarter or year; month by default.
    interval: Option<String>,
    /// The first day; by default that of the first movement.
    #[serde(default, deserialize_with = "crate::snapshots::date")]
    #[param(value_type = Option<String>, format = Date)]
    from: Option<NaiveDate>,
    /// The last day; `as_of` by default.
    #[serde(default, deserialize_with = "crate::snapshots::date")]
    #[param(value_type = Option<String>, format = Date)]
    to: Option<NaiveDate>,
    /// The id or name of the only data source; all by default.
    data_source: Option<String>,
    /// The format: json, ndjson, csv, arrow or parquet; by default that of the header Accept.
    #[serde(rename = "format")]
    #[param(rename = "format", pattern = "^(json|ndjson|csv|arrow|parquet)$")]
    _format: Option<String>,
}

/// MRR by period and currency.
#[derive(Serialize, ToSchema)]
pub(super) struct Mrr {
    result: Vec<MrrPeriod>,
    /// The number of the snapshot.
    snapshot: i64,
    as_of: NaiveDate,
}

/// One period in one currency. Money is text: minor units with 4 digits after the point. Opening
/// plus the movements is closing.
#[derive(Serialize, ToSchema)]
pub(super) struct MrrPeriod {
    period_start: NaiveDate,
    /// The last day of the period.
    period_end: NaiveDate,
    /// Whether the range or `as_of` cuts the period.
    partial: bool,
    currency: String,
    #[schema(example = "26500.0000")]
    opening: String,
    new: String,
    expansion: String,
    contraction: String,
    churn: String,
    reactivation: String,
    closing: String,
    /// Customers with a movement of this type in the period.
    new_customers: i64,
    expansion_customers: i64,
    contraction_customers: i64,
    churn_customers: i64,
    reactivation_customers: i64,
    /// Customers with MRR in the currency at the end of the period.
    customers: i64,
}

/// Opening, movements by type and closing MRR of each period and currency.
#[utoipa::path(get, path = "/mrr", tag = "reads", params(MrrParams, ReadParams), responses(
    (status = 200, description = "the periods", content(
        (Mrr = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.arrow.stream"),
        (Vec<u8> = "application/vnd.apache.parquet"))),
    (status = 304, description = "the client has it: If-None-Match names its ETag"),
    (status = 404, description = "no such data source", body = ErrorBody),
    (status = 406, description = "Accept names no format of the response", body = ErrorBody),
    (status = 422, description = "the rules cannot be carried out for a customer",
        body = ErrorBody)))]
pub(super) async fn mrr(
    State(state): State<ReadsState>,
    request: ReadRequest,
    Query(query): Query<MrrParams>,
) -> Result<Response> {
    let interval = match &query.interval {
        Some(text) => {
            text.parse().map_err(|message: String| ApiError::invalid("interval", message))?
        }
        None => Interval::default(),
    };
    let options =
        ReadOptions { data_source: query.data_source.as_deref(), default_format: RowFormat::Json };
    let read = match request.open(&state, options).await? {
        Read::NotModified(response) => return Ok(response),
        Read::Open(read) => read,
    };
    let query = MrrQuery { interval, from: query.from, to: query.to };
    let rows = read.snapshot.mrr(&query).await?;
    read.respond(rows, None, None).await
}
