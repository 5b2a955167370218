//! The Custom API page's dialect: `POST /data-sources/{id}/customers`, `…/plans`, `…/invoices`.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use mrrow_engine::import::OnError;
use mrrow_engine::ingest::Format;
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::{PushOptions, Pushed};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{Pointer, PushAnswer, invalid_records};
use super::body::{Records, RecordsBody, records};
use super::count;
use super::format::format_of;
use crate::app::App;
use crate::error::{ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::data_source::recent_source_of;
use crate::http::extract::{HeldBody, Path, Query, read_body};
use crate::http::idempotency::{REPLAYED, idempotency};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(customers)).routes(routes!(plans)).routes(routes!(invoices))
}

/// How a request is carried out.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PushQuery {
    /// What to do when objects are not valid: `abort`, store nothing, or `skip`, store the others.
    #[serde(default)]
    #[param(inline)]
    on_error: WhenInvalid,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum WhenInvalid {
    #[default]
    Abort,
    Skip,
}

macro_rules! push_route {
    ($(#[$doc:meta])* $name:ident, $object:expr, $path:literal, $example:tt) => {
        $(#[$doc])*
        ///
        /// The body is one object, an array of them, or an object that names its array; or NDJSON,
        /// CSV with a header, or Parquet, as its content type says. Objects are created, or take
        /// the place of those with their ids; they are stored all or, if one is not valid, none.
        #[utoipa::path(post, path = $path, tag = "push",
            params(("id" = String, Path, description = "the data source's id or name"), PushQuery,
                   ("Idempotency-Key" = Option<String>, Header, description = "a name for the request: sent again under it within a day, it is answered again and not carried out again")),
            request_body(content(
                (RecordsBody = "application/json", example = json! $example),
                (serde_json::Value = "application/x-ndjson"), (serde_json::Value = "text/csv"),
                (Vec<u8> = "application/vnd.apache.parquet"))),
            responses((status = 200, description = "the objects are stored", body = PushAnswer,
                       headers(("Idempotency-Replayed" = String, description = "true, if the answer was given before"))),
                      (status = 400, description = "the body is not JSON, or objects are not valid: `errors` has each error of each object", body = ErrorBody),
                      (status = 404, description = "no such data source", body = ErrorBody),
                      (status = 415, description = "a content type that is not known", body = ErrorBody),
                      (status = 422, description = "the idempotency key was used for another request", body = ErrorBody)))]
        async fn $name(
            State(app): State<App>,
            caller: Caller,
            Path(id): Path<String>,
            Query(query): Query<PushQuery>,
            headers: HeaderMap,
            request: Request,
        ) -> Result<Response> {
            push(&app, &caller, &id, $object, &query, &headers, request).await
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
    ({"id": "plan_pro", "name": "Pro Plan", "interval": "month", "interval_count": 1, "currency": "USD"})
);
push_route!(
    /// Creates or updates invoices.
    invoices, ObjectType::Invoices, "/data-sources/{id}/invoices",
    ({"id": "inv_001", "customer_id": "cust_123", "type": "subscription", "invoice_date": "2024-02-01T00:00:00Z", "amount": 9900, "currency": "USD", "plan_id": "plan_pro"})
);

async fn push(
    app: &App,
    caller: &Caller,
    id: &str,
    object: ObjectType,
    query: &PushQuery,
    headers: &HeaderMap,
    request: Request,
) -> Result<Response> {
    caller.require_admin()?;
    let source = recent_source_of(app, caller, id).await?;
    let format = format_of(headers)?;
    let body = read_body(app, request).await?;
    let on_error = match query.on_error {
        WhenInvalid::Abort => OnError::Abort,
        WhenInvalid::Skip => OnError::Skip,
    };
    let says = [format.to_string().into_bytes(), format!("{:?}", query.on_error).into_bytes()];
    let to = format!("{object} of {source}");
    let idempotency = idempotency(headers, caller, &to, &[&says[0], &says[1], body.bytes()])?;
    let (format, (bytes, pointer)) = match format {
        Format::Json => (format, json_of(&body, object).await?),
        // No lines are an empty batch; of a file that would be a mistake.
        Format::Ndjson | Format::Csv if body.bytes().trim_ascii().is_empty() => {
            (Format::Json, (b"[]".to_vec(), Pointer::Lines))
        }
        Format::Ndjson | Format::Csv => (format, (body.bytes().to_vec(), Pointer::Lines)),
        Format::Parquet => (format, (body.bytes().to_vec(), Pointer::None)),
    };
    let options =
        PushOptions { format: Some(format), on_error, idempotency, ..PushOptions::default() };
    let pushed = app.engine.push(&source, Some(object), bytes, &options).await?;
    count(app, object, &pushed);
    answer(pushed, on_error, &pointer)
}

fn answer(pushed: Pushed, on_error: OnError, pointer: &Pointer) -> Result<Response> {
    if on_error == OnError::Abort && !pushed.rejections.is_empty() {
        return Err(invalid_records(&pushed, pointer));
    }
    let replayed = pushed.replayed.then_some([(REPLAYED, "true")]);
    Ok((replayed, axum::Json(PushAnswer::of(pushed, pointer))).into_response())
}

/// A body that is looked through in less time than it takes to hand it to another thread and back.
const LOOKED_THROUGH_AT_ONCE_BYTES_MAX: usize = 64 * 1024;

/// The records of a JSON body, and where they are in it.
async fn json_of(body: &HeldBody, object: ObjectType) -> Result<(Vec<u8>, Pointer)> {
    let bytes = body.bytes().clone();
    let find = move || {
        let records = records(&bytes, object)?;
        let array = records.array();
        let Records { pointer, mixed, .. } = records;
        mixed.map_or(Ok(()), Err)?;
        Ok((array, pointer.map_or(Pointer::Single, Pointer::Array)))
    };
    if body.bytes().len() <= LOOKED_THROUGH_AT_ONCE_BYTES_MAX {
        return find();
    }
    tokio::task::spawn_blocking(find)
        .await
        .map_err(|error| crate::error::ApiError::internal(format!("read a body: {error}")))?
}
