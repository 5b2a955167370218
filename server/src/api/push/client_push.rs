//! The API of GrowPanel's client libraries: `POST /data/customers`, `/data/plans`,
//! `/data/invoices`. Each row may name its data source, and each has a result of its own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::extract::{FromRef, Request, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use mrrow_engine::RowStatus;
use mrrow_engine::import::OnError;
use mrrow_engine::ingest::{Dialect, Format, Rejection, RowSources};
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::{PushOptions, PushResult, PushedRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{PushBody, RowsBody, object_fields};
use super::content_type::require_json;
use super::rejections::{RecordPointer, details};
use super::{PushState, scan};
use crate::error::{ApiError, ErrorBody, Result};
use crate::http::caller::{Caller, KeyLookup};
use crate::http::data_source::{SourceQuery, cached_visible_sources};
use crate::http::extract::Query;
use crate::http::idempotency::{REPLAYED, idempotency};

pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    KeyLookup: FromRef<S>,
    PushState: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(customers)).routes(routes!(plans)).routes(routes!(invoices))
}

/// The result of each row.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code)]
struct ClientAnswer {
    /// The rows of the request in their order, each with its result.
    result: Vec<ClientRow>,
    /// A read with this `?min_sequence=` contains the rows.
    sequence: i64,
}

/// A row of the request with its result.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code)]
struct ClientRow {
    /// `success` or `error`.
    #[schema(example = "success")]
    export_status: String,
    /// The errors of the row.
    export_error: Option<String>,
    /// `inserted`, `updated`, `unchanged` or `error`.
    #[schema(example = "inserted")]
    import_status: String,
    /// The same as `export_error`.
    import_error: Option<String>,
}

macro_rules! client_route {
    ($(#[$doc:meta])* $name:ident, $object:expr, $path:literal, $example:tt) => {
        $(#[$doc])*
        ///
        /// The body is one object or an array of them. Each names its `data_source`, unless the
        /// request does or the key reaches only one. The status is 200 also if rows are invalid:
        /// the response has the result of each row, and the valid ones are stored.
        #[utoipa::path(post, path = $path, tag = "data",
            params(SourceQuery,
                   ("Idempotency-Key" = Option<String>, Header,
                       description = "a key for the request: a repetition within a day gets the \
                           same response and changes nothing")),
            request_body(content = RowsBody, content_type = "application/json",
                example = json! $example),
            responses((status = 200, description = "each row with its result", body = ClientAnswer,
                       headers(("Idempotency-Replayed" = String,
                           description = "true for the response to a repetition"))),
                      (status = 400, description = "the body is not JSON", body = ErrorBody),
                      (status = 404, description = "the request names an unknown data source",
                          body = ErrorBody),
                      (status = 415, description = "a content type other than JSON",
                          body = ErrorBody),
                      (status = 422,
                          description = "the idempotency key was used for another request",
                          body = ErrorBody)))]
        async fn $name(
            State(state): State<PushState>,
            caller: Caller,
            Query(query): Query<SourceQuery>,
            headers: HeaderMap,
            request: Request,
        ) -> Result<Response> {
            push(&state, &caller, $object, &query, &headers, request).await
        }
    };
}

client_route!(
    /// Creates or updates customers.
    customers, ObjectType::Customers, "/customers",
    ([{"id": "cust_123", "name": "Acme Inc", "created_date": "2024-01-15", "country": "US",
        "data_source": "ds_abc123"}])
);
client_route!(
    /// Creates or updates plans.
    plans, ObjectType::Plans, "/plans",
    ([{"id": "plan_pro", "external_id": "plan_pro", "name": "Pro Plan", "billing_freq": "month",
        "currency": "usd", "data_source": "ds_abc123"}])
);
client_route!(
    /// Creates or updates invoices.
    invoices, ObjectType::Invoices, "/invoices",
    ([{"id": "inv_001", "customer_id": "cust_123", "date": "2024-02-01", "amount": 9900,
        "currency": "usd", "plan_id": "plan_pro", "data_source": "ds_abc123"}])
);

async fn push(
    state: &PushState,
    caller: &Caller,
    object: ObjectType,
    query: &SourceQuery,
    headers: &HeaderMap,
    request: Request,
) -> Result<Response> {
    caller.require_admin()?;
    require_json(headers)?;
    let body = state.bodies.read(request).await?;
    let bytes = body.bytes().clone();
    let find = move || {
        let body = PushBody::parse(&bytes, object)?;
        Ok((body.array(), source_names(&body.rows)))
    };
    let (text, names) = scan(body.bytes().len(), find).await?;
    let sources = cached_visible_sources(&state.engine, caller, &names).await?;
    let default = query.resolve(&state.engine, caller, &sources).await?;
    let content = [default.as_deref().unwrap_or_default().as_bytes(), body.bytes()];
    let idempotency = idempotency(headers, caller, &format!("rows of {object}"), &content)?;
    let sources = sources.iter().map(|source| (source.id.as_str(), source.name.as_str()));
    let options = PushOptions {
        format: Some(Format::Json),
        dialect: Dialect::Clients,
        row_sources: Some(Arc::new(RowSources::new(sources, default.as_deref()))),
        on_error: OnError::Skip,
        idempotency,
        ..PushOptions::default()
    };
    let pushed = state.engine.push("", Some(object), text, &options).await?;
    state.count(object, &pushed);
    let replayed = pushed.replayed.then_some([(REPLAYED, "true")]);
    let bytes = body.bytes().clone();
    let json = scan(bytes.len(), move || echo(&bytes, object, &pushed)).await?;
    Ok((replayed, [(CONTENT_TYPE, "application/json")], json).into_response())
}

/// The data sources that rows name. The engine rejects rows that are not objects.
fn source_names(rows: &[&str]) -> HashSet<String> {
    #[derive(Deserialize)]
    struct SourceOfRow {
        data_source: Option<String>,
    }
    rows.iter()
        .filter_map(|row| serde_json::from_str::<SourceOfRow>(row).ok()?.data_source)
        .collect()
}

/// The rows of the request, each with its result.
fn echo(body: &Bytes, object: ObjectType, pushed: &PushResult) -> Result<String> {
    let PushBody { rows, pointer, .. } = PushBody::parse(body, object)?;
    let pointer = pointer.map_or(RecordPointer::Single, RecordPointer::Array);
    let stored: HashMap<u64, &PushedRow> =
        pushed.result.iter().filter_map(|row| Some((row.line?, row))).collect();
    let rejected: HashMap<u64, &Rejection> =
        pushed.rejections.iter().filter_map(|row| Some((row.line?, row))).collect();
    let mut json = String::with_capacity(body.len() + rows.len() * 64);
    json.push_str("{\"result\":[");
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        let index = index as u64;
        let result = match (stored.get(&index), rejected.get(&index)) {
            (Some(row), _) => RowResult::of_stored(row),
            (None, Some(rejection)) => RowResult::of_rejected(rejection, &pointer),
            (None, None) => {
                return Err(ApiError::internal(format!("row {index} of a request has no result")));
            }
        };
        result.write(row, &mut json)?;
    }
    json.push_str(&format!(
        "],\"sequence\":{},\"snapshot\":{}}}",
        pushed.sequence, pushed.snapshot
    ));
    Ok(json)
}

/// The result of a row: fields and their JSON.
struct RowResult(Vec<(&'static str, String)>);

impl RowResult {
    fn of_stored(row: &PushedRow) -> RowResult {
        let word = match row.status {
            RowStatus::Created => "inserted",
            other => other.as_str(),
        };
        let mut fields =
            vec![("export_status", quoted("success")), ("import_status", quoted(word))];
        if !row.warnings.is_empty() {
            let warnings: Vec<_> = row.warnings.iter().map(|code| code.as_str()).collect();
            fields.push(("warnings", serde_json::json!(warnings).to_string()));
        }
        RowResult(fields)
    }

    fn of_rejected(rejection: &Rejection, pointer: &RecordPointer) -> RowResult {
        let messages: Vec<_> =
            rejection.errors.iter().map(|error| error.message.as_str()).collect();
        let message = quoted(&messages.join("; "));
        let errors: Vec<_> = details(rejection, pointer).collect();
        RowResult(vec![
            ("export_status", quoted("error")),
            ("export_error", message.clone()),
            ("import_status", quoted("error")),
            ("import_error", message),
            ("errors", serde_json::json!(errors).to_string()),
        ])
    }

    /// Writes the row with its result, whose fields replace those of the row.
    fn write(self, row: &str, json: &mut String) -> Result<()> {
        let sent = match row.starts_with('{') {
            true => object_fields(row)
                .map_err(|error| ApiError::internal(format!("read a row again: {error}")))?,
            false => Vec::new(),
        };
        let mut separator = '{';
        for (name, value) in
            sent.iter().filter(|(name, _)| !self.0.iter().any(|(ours, _)| ours == name))
        {
            json.push(separator);
            json.push_str(&quoted(name));
            json.push(':');
            json.push_str(value.get());
            separator = ',';
        }
        for (name, value) in &self.0 {
            json.push(separator);
            json.push_str(&quoted(name));
            json.push(':');
            json.push_str(value);
            separator = ',';
        }
        json.push('}');
        Ok(())
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
