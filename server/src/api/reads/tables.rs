//! `GET /v1/tables/{table}`: a whole table, for other tools.

use axum::extract::State;
use axum::response::Response;
use mrrow_engine::public_tables;
use serde::Deserialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::request::{Read, ReadOptions, ReadRequest};
use super::state::ReadsState;
use crate::error::{ApiError, ErrorBody, Result};
use crate::http::extract::Path;
use crate::rows::RowFormat;
use crate::snapshots::ReadParams;

/// The name of a public table.
enum TableName {}

impl PartialSchema for TableName {
    fn schema() -> RefOr<Schema> {
        let names = public_tables().map(|table| table.name);
        RefOr::from(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)))
    }
}

impl ToSchema for TableName {}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TableParams {
    /// The format: parquet, arrow, ndjson, csv or json; by default that of the header Accept, and
    /// Parquet if any is accepted.
    #[serde(rename = "format")]
    #[param(rename = "format", pattern = "^(json|ndjson|csv|arrow|parquet)$")]
    _format: Option<String>,
}

/// Downloads a table, in no defined order.
#[utoipa::path(get, path = "/tables/{table}", tag = "reads",
    params(("table" = inline(TableName), Path, description = "the table's name",
        example = "movements"),
        TableParams, ReadParams),
    responses(
        (status = 200, description = "its rows", content(
            (Vec<u8> = "application/vnd.apache.parquet"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"),
            (String = "application/x-ndjson"), (String = "text/csv"),
            (serde_json::Value = "application/json"))),
        (status = 304, description = "the client has it: If-None-Match names its ETag"),
        (status = 404, description = "no such table", body = ErrorBody),
        (status = 406, description = "Accept names no format of the response", body = ErrorBody),
        (status = 422, description = "the rules cannot be carried out for a customer",
            body = ErrorBody)))]
pub(super) async fn table(
    State(state): State<ReadsState>,
    request: ReadRequest,
    Path(name): Path<String>,
) -> Result<Response> {
    let Some(table) = public_tables().find(|table| table.name == name) else {
        let names: Vec<&str> = public_tables().map(|table| table.name).collect();
        let names = names.join(", ");
        let message = format!("there is no table \"{name}\"; the tables are {names}");
        return Err(ApiError::not_found("table_not_found", message));
    };
    let name = table.name;
    let options = ReadOptions { data_source: None, default_format: RowFormat::Parquet };
    let read = match request.open(&state, options).await? {
        Read::NotModified(response) => return Ok(response),
        Read::Open(read) => read,
    };
    let rows = read.snapshot.sql(&format!("select * from {name}")).await?;
    read.respond(rows, Some(name)).await
}
