//! The dialect of GrowPanel's client libraries: `POST /data/customers`, `/data/plans`,
//! `/data/invoices`. Each row may name its data source; a request is answered row by row, whatever
//! became of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use mrrow_engine::RowStatus;
use mrrow_engine::import::OnError;
use mrrow_engine::ingest::{Dialect, Format, Rejection, RowSources};
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::{PushOptions, Pushed, PushedRow};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{Pointer, details};
use super::body::{Fields, Records, RowsBody, fields, records};
use super::count;
use super::format::only_json;
use crate::app::App;
use crate::error::{ApiError, ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::data_source::{SourceQuery, visible_sources_among};
use crate::http::extract::{Query, read_body};
use crate::http::idempotency::{REPLAYED, idempotency};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(customers)).routes(routes!(plans)).routes(routes!(invoices))
}

/// What became of each row.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code)]
struct ClientAnswer {
    /// Each row as it was sent, in the order sent, with what became of it.
    result: Vec<ClientRow>,
    /// A read with `?min_sequence=` this sees the rows.
    sequence: i64,
}

/// A row as it was sent, with what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code)]
struct ClientRow {
    /// `success` or `error`.
    #[schema(example = "success")]
    export_status: String,
    /// What is wrong with it.
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
        /// request does or the key sees one only. The answer is 200 also when rows are not valid:
        /// each row says what became of it, and the others are stored.
        #[utoipa::path(post, path = $path, tag = "data",
            params(SourceQuery,
                   ("Idempotency-Key" = Option<String>, Header, description = "a name for the request: sent again under it within a day, it is answered again and not carried out again")),
            request_body(content = RowsBody, content_type = "application/json", example = json! $example),
            responses((status = 200, description = "each row with what became of it", body = ClientAnswer,
                       headers(("Idempotency-Replayed" = String, description = "true, if the answer was given before"))),
                      (status = 400, description = "the body is not JSON", body = ErrorBody),
                      (status = 404, description = "the request names a data source that is not there", body = ErrorBody),
                      (status = 415, description = "a content type other than JSON", body = ErrorBody),
                      (status = 422, description = "the idempotency key was used for another request", body = ErrorBody)))]
        async fn $name(
            State(app): State<App>,
            caller: Caller,
            Query(query): Query<SourceQuery>,
            headers: HeaderMap,
            request: Request,
        ) -> Result<Response> {
            push(&app, &caller, $object, &query, &headers, request).await
        }
    };
}

client_route!(
    /// Creates or updates customers.
    customers, ObjectType::Customers, "/customers",
    ([{"id": "cust_123", "name": "Acme Inc", "created_date": "2024-01-15", "country": "US", "data_source": "ds_abc123"}])
);
client_route!(
    /// Creates or updates plans.
    plans, ObjectType::Plans, "/plans",
    ([{"id": "plan_pro", "external_id": "plan_pro", "name": "Pro Plan", "billing_freq": "month", "currency": "usd", "data_source": "ds_abc123"}])
);
client_route!(
    /// Creates or updates invoices.
    invoices, ObjectType::Invoices, "/invoices",
    ([{"id": "inv_001", "customer_id": "cust_123", "date": "2024-02-01", "amount": 9900, "currency": "usd", "plan_id": "plan_pro", "data_source": "ds_abc123"}])
);

async fn push(
    app: &App,
    caller: &Caller,
    object: ObjectType,
    query: &SourceQuery,
    headers: &HeaderMap,
    request: Request,
) -> Result<Response> {
    caller.require_admin()?;
    only_json(headers)?;
    let body = read_body(app, request).await?;
    let bytes = body.bytes().clone();
    let look = move || {
        let records = records(&bytes, object)?;
        Ok((records.array(), sources_named(&records.rows)))
    };
    let (text, named) = blocking(body.bytes().len(), look).await?;
    let sources = visible_sources_among(app, caller, &named).await?;
    let default = query.resolve(app, caller, &sources).await?;
    let says = default.as_deref().unwrap_or_default().as_bytes();
    let idempotency =
        idempotency(headers, caller, &format!("rows of {object}"), &[says, body.bytes()])?;
    let named = sources.iter().map(|source| (source.id.as_str(), source.name.as_str()));
    let options = PushOptions {
        format: Some(Format::Json),
        dialect: Dialect::Clients,
        row_sources: Some(Arc::new(RowSources::new(named, default.as_deref()))),
        on_error: OnError::Skip,
        idempotency,
        ..PushOptions::default()
    };
    let pushed = app.engine.push("", Some(object), text, &options).await?;
    count(app, object, &pushed);
    let replayed = pushed.replayed.then_some([(REPLAYED, "true")]);
    let bytes = body.bytes().clone();
    let json = blocking(bytes.len(), move || echo(&bytes, object, &pushed)).await?;
    Ok((replayed, [(CONTENT_TYPE, "application/json")], json).into_response())
}

/// The data sources that rows name. A row that is none names nothing; the engine says what is wrong
/// with it.
fn sources_named(rows: &[&RawValue]) -> HashSet<String> {
    #[derive(Deserialize)]
    struct Named {
        data_source: Option<String>,
    }
    rows.iter()
        .filter_map(|row| serde_json::from_str::<Named>(row.get()).ok()?.data_source)
        .collect()
}

/// A body that is looked through in less time than it takes to hand it to another thread and back.
const AT_ONCE_BYTES_MAX: usize = 64 * 1024;

async fn blocking<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    if bytes <= AT_ONCE_BYTES_MAX {
        return work();
    }
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ApiError::internal(format!("look through a body: {error}")))?
}

/// The rows as they were sent, each with what became of it.
fn echo(body: &Bytes, object: ObjectType, pushed: &Pushed) -> Result<String> {
    let Records { rows, pointer, .. } = records(body, object)?;
    let pointer = pointer.map_or(Pointer::Single, Pointer::Array);
    let stored: HashMap<u64, &PushedRow> =
        pushed.result.iter().filter_map(|row| Some((row.line?, row))).collect();
    let refused: HashMap<u64, &Rejection> =
        pushed.rejections.iter().filter_map(|row| Some((row.line?, row))).collect();
    let mut json = String::with_capacity(body.len() + rows.len() * 64);
    json.push_str("{\"result\":[");
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        let index = index as u64;
        let outcome = match (stored.get(&index), refused.get(&index)) {
            (Some(row), _) => Outcome::of_stored(row),
            (None, Some(rejection)) => Outcome::of_refused(rejection, &pointer),
            (None, None) => {
                return Err(ApiError::internal(format!("row {index} of a request has no answer")));
            }
        };
        outcome.write(row, &mut json)?;
    }
    json.push_str(&format!(
        "],\"sequence\":{},\"snapshot\":{}}}",
        pushed.sequence, pushed.snapshot
    ));
    Ok(json)
}

/// What became of a row: fields and their JSON.
struct Outcome(Vec<(&'static str, String)>);

impl Outcome {
    fn of_stored(row: &PushedRow) -> Outcome {
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
        Outcome(fields)
    }

    fn of_refused(rejection: &Rejection, pointer: &Pointer) -> Outcome {
        let messages: Vec<_> =
            rejection.errors.iter().map(|error| error.message.as_str()).collect();
        let message = quoted(&messages.join("; "));
        let errors: Vec<_> = details(rejection, pointer).collect();
        Outcome(vec![
            ("export_status", quoted("error")),
            ("export_error", message.clone()),
            ("import_status", quoted("error")),
            ("import_error", message),
            ("errors", serde_json::json!(errors).to_string()),
        ])
    }

    /// Writes the row with it; fields of the row under our names give way.
    fn write(self, row: &RawValue, json: &mut String) -> Result<()> {
        let sent = match row.get().starts_with('{') {
            true => {
                fields(row)
                    .map_err(|error| ApiError::internal(format!("read a row again: {error}")))?
                    .0
            }
            false => Fields(Vec::new()).0,
        };
        let mut mark = '{';
        for (name, value) in
            sent.iter().filter(|(name, _)| !self.0.iter().any(|(ours, _)| ours == name))
        {
            json.push(mark);
            json.push_str(&quoted(name));
            json.push(':');
            json.push_str(value.get());
            mark = ',';
        }
        for (name, value) in &self.0 {
            json.push(mark);
            json.push_str(&quoted(name));
            json.push(':');
            json.push_str(value);
            mark = ',';
        }
        json.push('}');
        Ok(())
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
