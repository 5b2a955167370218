//! `GET /v1/mrr`: MRR by period and currency.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::NaiveDate;
use mrrow_engine::reports::{Interval, MrrQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::Rows;
use crate::app::App;
use crate::error::{ApiError, ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::extract::{Query, Target};
use crate::http::response_format::{RequestedFormat, format_name};
use crate::rows::RowFormat;
use crate::snapshots::{Entity, Moment, ReadParams};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MrrParams {
    /// How long a period is: day, week, month, quarter or year; a month unless given.
    interval: Option<String>,
    /// The first day; that of the first movement unless given.
    #[serde(default, deserialize_with = "crate::snapshots::date")]
    #[param(value_type = Option<String>, format = Date)]
    from: Option<NaiveDate>,
    /// The last day; `as_of` unless given.
    #[serde(default, deserialize_with = "crate::snapshots::date")]
    #[param(value_type = Option<String>, format = Date)]
    to: Option<NaiveDate>,
    /// Only of this data source, by its id or name.
    data_source: Option<String>,
    /// The form: json, ndjson, csv, arrow or parquet; else the header Accept tells.
    #[serde(rename = "format")]
    #[param(rename = "format", pattern = "^(json|ndjson|csv|arrow|parquet)$")]
    _format: Option<String>,
}

/// MRR by period and currency.
#[derive(Serialize, ToSchema)]
pub(super) struct Mrr {
    result: Vec<MrrPeriod>,
    /// The snapshot that was read.
    snapshot: i64,
    as_of: NaiveDate,
}

/// One period in one currency. Money is in minor units with 4 digits after the point, as text;
/// opening and the movements add up to closing.
#[derive(Serialize, ToSchema)]
pub(super) struct MrrPeriod {
    period_start: NaiveDate,
    /// Its last day.
    period_end: NaiveDate,
    /// Cut by the range or by `as_of`.
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
    /// Customers with such a movement in the period.
    new_customers: i64,
    expansion_customers: i64,
    contraction_customers: i64,
    churn_customers: i64,
    reactivation_customers: i64,
    /// Customers with MRR in the currency at its close.
    customers: i64,
}

/// Opening, movements by type and closing MRR of each period and currency.
#[utoipa::path(get, path = "/mrr", tag = "reads", params(MrrParams, ReadParams), responses(
    (status = 200, description = "the periods", content(
        (Mrr = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.arrow.stream"), (Vec<u8> = "application/vnd.apache.parquet"))),
    (status = 304, description = "the client has it: If-None-Match names its ETag"),
    (status = 404, description = "no such data source", body = ErrorBody),
    (status = 406, description = "Accept names no form of the answer", body = ErrorBody),
    (status = 422, description = "the rules cannot be carried out for a customer", body = ErrorBody)))]
pub(super) async fn mrr(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<MrrParams>,
    Query(parameters): Query<ReadParams>,
    requested: RequestedFormat,
    Target(target): Target,
    headers: HeaderMap,
) -> Result<Response> {
    let format = requested.or(RowFormat::Json);
    let interval = match &query.interval {
        Some(text) => {
            text.parse().map_err(|message: String| ApiError::invalid("interval", message))?
        }
        None => Interval::default(),
    };
    let caller = super::of_source(&app, caller, query.data_source.as_deref()).await?;
    let moment = Moment::of(&app, &parameters).await?;
    let entity = Entity::new(&caller, &target, format_name(format));
    if let Some(known) = entity.unless_known(&moment, &headers) {
        return Ok(known);
    }
    let reading = app.reads.begin()?;
    let snapshot = moment.open(&app, &caller).await?;
    let rows = snapshot.mrr(&MrrQuery { interval, from: query.from, to: query.to }).await?;
    let headers = entity.headers(&moment, snapshot.id());
    Rows::all(rows, format, snapshot, reading).answer(headers).await
}
