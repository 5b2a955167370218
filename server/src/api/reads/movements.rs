//! `GET /v1/movements`: the movements of MRR.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::NaiveDate;
use mrrow_engine::reports::MovementsQuery;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::Rows;
use crate::app::App;
use crate::error::{ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::extract::{Query, Target};
use crate::http::response_format::{RequestedFormat, format_name};
use crate::rows::RowFormat;
use crate::snapshots::{Entity, Moment, ReadParams};

/// The columns without the causes.
const COLUMNS: usize = 8;

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
    /// Only this customer, in all data sources; SOURCE/ID in one.
    customer: Option<String>,
    /// Only of this data source, by its id or name.
    data_source: Option<String>,
    /// Also movements that are dated after `as_of`.
    #[serde(default, deserialize_with = "crate::http::extract::flag")]
    scheduled: bool,
    /// Also `cause`, `subtype`, `voluntary` and `invoice_ids`.
    #[serde(default, deserialize_with = "crate::http::extract::flag")]
    causes: bool,
    /// The form: json, ndjson, csv, arrow or parquet; else the header Accept tells.
    #[serde(rename = "format")]
    #[param(rename = "format", pattern = "^(json|ndjson|csv|arrow|parquet)$")]
    _format: Option<String>,
}

/// The movements of a moment.
#[derive(Serialize, ToSchema)]
pub(super) struct Movements {
    result: Vec<Movement>,
    /// The snapshot that was read.
    snapshot: i64,
    as_of: NaiveDate,
}

/// A dated signed change of one customer's MRR in one currency. Money is in minor units with 4
/// digits after the point, as text.
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
#[utoipa::path(get, path = "/movements", tag = "reads", params(MovementsParams, ReadParams), responses(
    (status = 200, description = "the movements", content(
        (Movements = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.arrow.stream"), (Vec<u8> = "application/vnd.apache.parquet"))),
    (status = 304, description = "the client has them: If-None-Match names their ETag"),
    (status = 404, description = "no such data source", body = ErrorBody),
    (status = 406, description = "Accept names no form of the answer", body = ErrorBody),
    (status = 422, description = "the rules cannot be carried out for a customer", body = ErrorBody)))]
pub(super) async fn movements(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<MovementsParams>,
    Query(parameters): Query<ReadParams>,
    requested: RequestedFormat,
    Target(target): Target,
    headers: HeaderMap,
) -> Result<Response> {
    let format = requested.or(RowFormat::Json);
    let caller = super::of_source(&app, caller, query.data_source.as_deref()).await?;
    let moment = Moment::of(&app, &parameters).await?;
    let entity = Entity::new(&caller, &target, format_name(format));
    if let Some(known) = entity.unless_known(&moment, &headers) {
        return Ok(known);
    }
    let reading = app.reads.begin()?;
    let snapshot = moment.open(&app, &caller).await?;
    let MovementsParams { from, to, customer, scheduled, causes, .. } = query;
    let rows = snapshot.movements(&MovementsQuery { from, to, customer, scheduled }).await?;
    let headers = entity.headers(&moment, snapshot.id());
    let mut rows = Rows::all(rows, format, snapshot, reading);
    if !causes {
        rows.columns = COLUMNS;
    }
    rows.answer(headers).await
}
