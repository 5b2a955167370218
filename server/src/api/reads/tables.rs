//! `GET /v1/tables/{table}`: a whole table, for other tools.

use axum::extract::State;
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::Rows;
use crate::app::App;
use crate::error::{ApiError, ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::extract::{Path, Query, Target};
use crate::http::response_format::{RequestedFormat, format_name};
use crate::rows::RowFormat;
use crate::snapshots::{Entity, Moment, ReadParams};

/// The tables, each with what reads it whole.
const TABLES: [(&str, &str); 6] = [
    ("customers", "select * from customers"),
    ("plans", "select * from plans"),
    ("invoices", "select * from invoices"),
    ("mrr_lines", "select * from mrr_lines"),
    ("movements", "select * from movements"),
    ("scheduled_movements", "select * from scheduled_movements"),
];

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TableParams {
    /// The form: parquet, arrow, ndjson, csv or json; else the header Accept tells, and Parquet
    /// where any will do.
    #[serde(rename = "format")]
    #[param(rename = "format", pattern = "^(json|ndjson|csv|arrow|parquet)$")]
    _format: Option<String>,
}

/// Downloads a table, in no particular order: customers, plans, invoices, mrr_lines, movements or
/// scheduled_movements.
#[utoipa::path(get, path = "/tables/{table}", tag = "reads",
    params(("table" = String, Path, description = "the table's name", example = "movements"), TableParams, ReadParams),
    responses(
        (status = 200, description = "its rows", content(
            (Vec<u8> = "application/vnd.apache.parquet"), (Vec<u8> = "application/vnd.apache.arrow.stream"),
            (String = "application/x-ndjson"), (String = "text/csv"), (serde_json::Value = "application/json"))),
        (status = 304, description = "the client has it: If-None-Match names its ETag"),
        (status = 404, description = "no such table", body = ErrorBody),
        (status = 406, description = "Accept names no form of the answer", body = ErrorBody),
        (status = 422, description = "the rules cannot be carried out for a customer", body = ErrorBody)))]
pub(super) async fn table(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(parameters): Query<ReadParams>,
    requested: RequestedFormat,
    Target(target): Target,
    headers: HeaderMap,
) -> Result<Response> {
    let Some((name, sql)) = TABLES.into_iter().find(|(table, _)| *table == name) else {
        let names = TABLES.map(|(table, _)| table).join(", ");
        let message = format!("there is no table \"{name}\"; the tables are {names}");
        return Err(ApiError::not_found("table_not_found", message));
    };
    let format = requested.or(RowFormat::Parquet);
    let moment = Moment::of(&app, &parameters).await?;
    let entity = Entity::new(&caller, &target, format_name(format));
    if let Some(known) = entity.unless_known(&moment, &headers) {
        return Ok(known);
    }
    let reading = app.reads.begin()?;
    let snapshot = moment.open(&app, &caller).await?;
    let rows = snapshot.sql(sql).await?;
    let mut headers = entity.headers(&moment, snapshot.id());
    let file = format!("attachment; filename=\"{name}.{}\"", format_name(format));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_str(&file).map_err(ApiError::internal)?);
    Rows::all(rows, format, snapshot, reading).answer(headers).await
}
