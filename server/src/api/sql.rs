//! `POST /v1/sql`: checks a request, runs its statement and answers the rows.

mod answer;
mod errors;

use std::time::Duration;

use axum::extract::{FromRef, State};
use axum::response::Response;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::config::SqlLimits;
use crate::error::{ApiError, ErrorBody, Result};
use crate::http::body::Bodies;
use crate::http::caller::{Caller, KeyLookup};
use crate::http::extract::Json;
use crate::http::response_format::RequestedFormat;
use crate::rows::RowFormat;
use crate::snapshots::{ReadParams, SnapshotReader};
use crate::statements::{Statement, Statements};
use errors::limit_exceeded;

pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    KeyLookup: FromRef<S>,
    Bodies: FromRef<S>,
    SqlState: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(sql))
}

#[derive(Clone)]
pub(crate) struct SqlState {
    pub(crate) snapshots: SnapshotReader,
    pub(crate) statements: Statements,
}

/// A statement.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SqlRequest {
    /// One query over the public tables, which are those of GET /v1/tables/{table}.
    #[schema(
        example = "select type, count(*) as movements, sum(amount) as amount from movements group \
                   by type order by type"
    )]
    sql: String,
    /// The day up to which movements are known; today by default.
    #[serde(default)]
    as_of: Option<NaiveDate>,
    /// The most rows of the answer; by default 10,000 in JSON, and all in other formats.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100000)]
    max_rows: Option<u64>,
    /// The most milliseconds of the statement; 30,000 by default.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 120000)]
    timeout_ms: Option<u64>,
}

/// The answer of a statement.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SqlAnswer {
    columns: Vec<SqlColumn>,
    /// The values of each row in the order of the columns: decimals, dates and instants as text,
    /// integers as numbers.
    rows: Vec<Vec<serde_json::Value>>,
    row_count: u64,
    /// Whether the statement has more rows than the answer.
    truncated: bool,
    /// The snapshot that was read.
    snapshot: i64,
}

/// A column of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SqlColumn {
    name: String,
    /// boolean, integer, decimal(p, s), double, text, date, time, timestamp, timestamptz, interval,
    /// binary, a type with `[]`, or json.
    #[serde(rename = "type")]
    #[schema(example = "decimal(24, 4)")]
    kind: String,
}

#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it documents the parameter, which `RequestedFormat` reads")]
pub(crate) struct SqlParams {
    /// The format: json, ndjson, csv, arrow or parquet; by default that of the header Accept.
    #[param(pattern = "^(json|ndjson|csv|arrow|parquet)$")]
    format: Option<String>,
}

/// Runs one read-only statement. Its time, memory, rows and bytes are limited. A truncated JSON
/// answer says so; an answer in another format is broken off if it fails after its first rows.
#[utoipa::path(post, path = "/sql", tag = "reads", params(SqlParams),
    request_body = SqlRequest, responses(
    (status = 200, description = "the rows", content(
        (SqlAnswer = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.arrow.stream"),
        (Vec<u8> = "application/vnd.apache.parquet"))),
    (status = 400, body = ErrorBody, description =
        "sql_invalid: the statement is wrong, or fails; sql_not_allowed: it is not a query"),
    (status = 406, description = "Accept names no format of the response", body = ErrorBody),
    (status = 408, description = "sql_timeout: the statement takes too long", body = ErrorBody),
    (status = 413, body = ErrorBody, description =
        "sql_limit: the statement is too long or too deep, needs too much memory, or its answer is \
         too large"),
    (status = 422, description = "the rules cannot be carried out for a customer",
     body = ErrorBody)))]
pub(crate) async fn sql(
    State(state): State<SqlState>,
    caller: Caller,
    requested: RequestedFormat,
    Json(request): Json<SqlRequest>,
) -> Result<Response> {
    let statements = &state.statements;
    let format = requested.or(RowFormat::Json);
    let statement = statement(&request, format, statements.limits())?;
    let place = statements.place().await?;
    let parameters = ReadParams { as_of: request.as_of, ..ReadParams::default() };
    let snapshot = state.snapshots.read(&parameters, &caller).await?;
    let running = statements.start(place, statement, snapshot).await?;
    answer::answer(running, format, statements.limits()).await
}

/// The statement of a request, with its limits.
fn statement(request: &SqlRequest, format: RowFormat, limits: &SqlLimits) -> Result<Statement> {
    if request.sql.len() > limits.statement_bytes {
        let (bytes, bytes_max) = (request.sql.len(), limits.statement_bytes);
        return Err(limit_exceeded(format!(
            "the statement has {bytes} bytes; {bytes_max} are allowed"
        )));
    }
    let rows_max = match (request.max_rows, format) {
        (Some(rows), _) if rows > limits.rows_max => {
            let message =
                format!("\"max_rows\" is {rows}; at most {} rows are answered", limits.rows_max);
            return Err(ApiError::invalid("max_rows", message));
        }
        (Some(rows), _) => Some(rows),
        (None, RowFormat::Json) => Some(limits.rows_default),
        (None, _) => None,
    };
    let time = request.timeout_ms.map_or(limits.time_default, Duration::from_millis);
    if time.is_zero() || time > limits.time_max {
        let message = format!(
            "\"timeout_ms\" is {}; use 1 to {}",
            time.as_millis(),
            limits.time_max.as_millis()
        );
        return Err(ApiError::invalid("timeout_ms", message));
    }
    Ok(Statement { sql: request.sql.clone(), format, rows_max, time })
}
