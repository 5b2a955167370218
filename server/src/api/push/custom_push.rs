//! GrowPanel's Custom API: `POST /data-sources/{id}/customers`, `…/plans`, `…/invoices`.

use axum::extract::{FromRef, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use mrrow_engine::import::OnError;
use mrrow_engine::ingest::Format;
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::{PushOptions, PushResult};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{PushBody, RecordsBody};
use super::content_type::format_of;
use super::rejections::{RecordPointer, invalid_records};
use super::response::PushAnswer;
use super::{PushState, scan};
use crate::error::{ErrorBody, Result};
use crate::http::body::WholeBody;
use crate::http::caller::{Caller, KeyLookup};
use crate::http::data_source::cached_source_of;
use crate::http::extract::{Path, Query};
use crate::http::idempotency::{REPLAYED, idempotency};

pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    KeyLookup: FromRef<S>,
    PushState: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(customers)).routes(routes!(plans)).routes(routes!(invoices))
}

/// The options of a push.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PushQuery {
    /// The effect of invalid objects: `abort` stores nothing, `skip` stores the valid ones.
    #[serde(default)]
    #[param(inline)]
    on_error: InvalidObjects,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum InvalidObjects {
    #[default]
    Abort,
    Skip,
}

macro_rules! push_route {
    ($(#[$doc:meta])* $name:ident, $object:expr, $path:literal, $example:tt) => {
        $(#[$doc])*
        ///
        /// The body is one object, an array of them, or an object with a named array; or NDJSON,
        /// CSV with a header, or Parquet, by its content type. An object replaces the stored one
        /// with its id. If one object is invalid, none is stored.
        #[utoipa::path(post, path = $path, tag = "push",
            params(("id" = String, Path, description = "the data source's id or name"), PushQuery,
                   ("Idempotency-Key" = Option<String>, Header,
                       description = "a key for the request: a repetition within a day gets the \
                           same response and changes nothing")),
            request_body(content(
                (RecordsBody = "application/json", example = json! $example),
                (serde_json::Value = "application/x-ndjson"), (serde_json::Value = "text/csv"),
                (Vec<u8> = "application/vnd.apache.parquet"))),
            responses((status = 200, description = "the objects are stored", body = PushAnswer,
                       headers(("Idempotency-Replayed" = String,
                           description = "true for the response to a repetition"))),
                      (status = 400,
                          description = "the body is not JSON, or objects are invalid: `errors` \
                              lists the errors of each object", body = ErrorBody),
                      (status = 404, description = "no such data source", body = ErrorBody),
                      (status = 415, description = "an unknown content type", body = ErrorBody),
                      (status = 422,
                          description = "the idempotency key was used for another request",
                          body = ErrorBody)))]
        async fn $name(
            State(state): State<PushState>,
            caller: Caller,
            Path(id): Path<String>,
            Query(query): Query<PushQuery>,
            headers: HeaderMap,
            request: Request,
        ) -> Result<Response> {
            push(&state, &caller, &id, $object, &query, &headers, request).await
        }
    };
}

push_route!(
    /// Creates or updates customers.
    customers, ObjectType::Customers, "/data-sources/{id}/customers",
    ({"id": "cust_123", "name": "Acme Inc", "email": "billing@acme.test", "country": "US"})
);
push_route!(
    /// Creates or updates plans.
    plans, ObjectType::Plans, "/data-sources/{id}/plans",
    ({"id": "plan_pro", "name": "Pro Plan", "interval": "month", "interval_count": 1,
        "currency": "USD"})
);
push_route!(
    /// Creates or updates invoices.
    invoices, ObjectType::Invoices, "/data-sources/{id}/invoices",
    ({"id": "inv_001", "customer_id": "cust_123", "type": "subscription",
        "invoice_date": "2024-02-01T00:00:00Z", "amount": 9900, "currency": "USD",
        "plan_id": "plan_pro"})
);

async fn push(
    state: &PushState,
    caller: &Caller,
    id: &str,
    object: ObjectType,
    query: &PushQuery,
    headers: &HeaderMap,
    request: Request,
) -> Result<Response> {
    caller.require_admin()?;
    let source = cached_source_of(&state.engine, caller, id).await?;
    let format = format_of(headers)?;
    let body = state.bodies.read(request).await?;
    let on_error = match query.on_error {
        InvalidObjects::Abort => OnError::Abort,
        InvalidObjects::Skip => OnError::Skip,
    };
    let (format_name, on_invalid) = (format.to_string(), format!("{:?}", query.on_error));
    let content = [format_name.as_bytes(), on_invalid.as_bytes(), body.bytes()];
    let operation = format!("{object} of {source}");
    let idempotency = idempotency(headers, caller, &operation, &content)?;
    let (format, (bytes, pointer)) = match format {
        Format::Json => (format, json_records(&body, object).await?),
        // An empty body is an empty batch here, and an error of a file.
        Format::Ndjson | Format::Csv if body.bytes().trim_ascii().is_empty() => {
            (Format::Json, (b"[]".to_vec(), RecordPointer::Lines))
        }
        Format::Ndjson | Format::Csv => (format, (body.bytes().to_vec(), RecordPointer::Lines)),
        Format::Parquet => (format, (body.bytes().to_vec(), RecordPointer::None)),
    };
    let options =
        PushOptions { format: Some(format), on_error, idempotency, ..PushOptions::default() };
    let pushed = state.engine.push(&source, Some(object), bytes, &options).await?;
    state.count(object, &pushed);
    respond(pushed, on_error, &pointer)
}

fn respond(pushed: PushResult, on_error: OnError, pointer: &RecordPointer) -> Result<Response> {
    if on_error == OnError::Abort && !pushed.rejections.is_empty() {
        return Err(invalid_records(&pushed, pointer));
    }
    let replayed = pushed.replayed.then_some([(REPLAYED, "true")]);
    Ok((replayed, axum::Json(PushAnswer::of(pushed, pointer))).into_response())
}

/// The records of a JSON body, and their place in it.
async fn json_records(body: &WholeBody, object: ObjectType) -> Result<(Vec<u8>, RecordPointer)> {
    let bytes = body.bytes().clone();
    let find = move || {
        let body = PushBody::parse(&bytes, object)?;
        let array = body.array();
        let PushBody { pointer, ambiguity, .. } = body;
        ambiguity.map_or(Ok(()), Err)?;
        Ok((array, pointer.map_or(RecordPointer::Single, RecordPointer::Array)))
    };
    scan(body.bytes().len(), find).await
}
