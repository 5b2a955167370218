//! Large uploads: a body of any size becomes a job, which imports all of it or nothing.
//!
//! The body goes to a file in the data directory first. So a slow client does not delay other
//! imports, the client has its response when the body is received, and Parquet can be read from its
//! end. One upload is imported at a time; the others wait.

mod upload_request;

mod status;

mod queue;

mod import;

mod receive;

use axum::body::Body;
use axum::extract::{FromRef, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderMap, LOCATION};
use axum::response::IntoResponse;
use tokio_util::io::ReaderStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{ApiError, ErrorBody, Result};
use crate::http::caller::{Caller, KeyLookup};
use crate::http::data_source::source_of;
use crate::http::extract::Path;

use status::{ImportJob, ImportJobs, JOB_KIND};
use upload_request::{ImportQuery, UploadRequest};

pub(crate) use import::stop;
pub(crate) use queue::Imports;

/// The newest jobs that are listed.
const LISTED_JOBS_MAX: u32 = 100;

pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    KeyLookup: FromRef<S>,
    Imports: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list, start))
        .routes(routes!(show, cancel))
        .routes(routes!(rejects))
}

/// Uploads records of any size: JSON, NDJSON, CSV or Parquet, plain or compressed with gzip or
/// zstd.
///
/// The response is sent when the body is received. Then its rows are read, compared with the stored
/// ones, and published as one snapshot or not at all; the job has the progress. CSV, Parquet and
/// NDJSON need `object`; a JSON document may contain several types: `{"customers": […],
/// "plans": […], "invoices": […]}`.
#[utoipa::path(post, path = "/data-sources/{id}/imports", tag = "imports",
    params(("id" = String, Path, description = "the data source's id or name"), ImportQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream",
        description = "the records"),
    responses((status = 202, description = "the body is received; the job", body = ImportJob,
               headers(("Location" = String, description = "the address of the job"))),
              (status = 404, description = "no such data source", body = ErrorBody),
              (status = 409, description = "the upload was canceled while it was received",
                  body = ErrorBody),
              (status = 415, description = "an unknown encoding", body = ErrorBody),
              (status = 429, description = "too many imports wait; Retry-After has the pause",
                  body = ErrorBody)))]
async fn start(
    State(imports): State<Imports>,
    caller: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse> {
    caller.require_admin()?;
    let source = source_of(&imports.engine, &caller, &id).await?;
    let request = UploadRequest::parse(query.as_deref().unwrap_or_default(), &headers)?;
    let job = receive::receive(&imports, source.id, request, body).await?;
    let location = job.location();
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], axum::Json(job)))
}

/// The newest uploads of a data source, newest first.
#[utoipa::path(get, path = "/data-sources/{id}/imports", tag = "imports",
    params(("id" = String, Path, description = "the data source's id or name")),
    responses((status = 200, description = "the jobs", body = ImportJobs),
              (status = 404, description = "no such data source", body = ErrorBody)))]
async fn list(
    State(imports): State<Imports>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<ImportJobs>> {
    let source = source_of(&imports.engine, &caller, &id).await?;
    let saved = imports.engine.jobs(Some(&source.id), Some(JOB_KIND), LISTED_JOBS_MAX).await?;
    let result = saved.into_iter().map(|job| imports.present(job)).collect::<Result<_>>()?;
    Ok(axum::Json(ImportJobs { result }))
}

/// The progress or result of an upload.
#[utoipa::path(get, path = "/data-sources/{id}/imports/{job}", tag = "imports",
    params(("id" = String, Path, description = "the data source's id or name"),
        ("job" = String, Path, description = "the job's id")),
    responses((status = 200, description = "the job", body = ImportJob),
              (status = 404, description = "no such data source, or no such job",
                  body = ErrorBody)))]
async fn show(
    State(imports): State<Imports>,
    caller: Caller,
    Path((id, job)): Path<(String, String)>,
) -> Result<axum::Json<ImportJob>> {
    Ok(axum::Json(job_of(&imports, &caller, &id, &job).await?))
}

/// Cancels an upload: nothing of it is stored.
#[utoipa::path(delete, path = "/data-sources/{id}/imports/{job}", tag = "imports",
    params(("id" = String, Path, description = "the data source's id or name"),
        ("job" = String, Path, description = "the job's id")),
    responses((status = 200, description = "the final state of the job", body = ImportJob),
              (status = 404, description = "no such data source, or no such job", body = ErrorBody),
              (status = 409, description = "it was finished already", body = ErrorBody)))]
async fn cancel(
    State(imports): State<Imports>,
    caller: Caller,
    Path((id, job)): Path<(String, String)>,
) -> Result<axum::Json<ImportJob>> {
    caller.require_admin()?;
    job_of(&imports, &caller, &id, &job).await?;
    let finished = || {
        ApiError::conflict(
            "import_over",
            format!("the import \"{job}\" is finished already; GET it to see its result"),
        )
    };
    imports.cancel(&job).await.map(axum::Json).ok_or_else(finished)
}

/// The rejected rows with their errors, one JSON object a line; for the newest imports, until the
/// server is restarted.
#[utoipa::path(get, path = "/data-sources/{id}/imports/{job}/rejects", tag = "imports",
    params(("id" = String, Path, description = "the data source's id or name"),
        ("job" = String, Path, description = "the job's id")),
    responses((status = 200, description = "the rejected rows", body = String,
        content_type = "application/x-ndjson"),
              (status = 404, description = "no such job, or its rejected rows are not retained",
                  body = ErrorBody)))]
async fn rejects(
    State(imports): State<Imports>,
    caller: Caller,
    Path((id, job)): Path<(String, String)>,
) -> Result<impl IntoResponse> {
    job_of(&imports, &caller, &id, &job).await?;
    let Some(path) = imports.rejects_of(&job) else {
        let message = format!(
            "the rejected rows of the import \"{job}\" are not retained; the job has the first of \
                them"
        );
        return Err(ApiError::not_found("rejects_not_found", message));
    };
    let file = tokio::fs::File::open(&path).await;
    let file =
        file.map_err(|error| ApiError::internal(format!("open \"{}\": {error}", path.display())))?;
    let name = format!("attachment; filename=\"{job}-rejects.ndjson\"");
    let headers = [(CONTENT_TYPE, "application/x-ndjson".to_string()), (CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(ReaderStream::new(file))))
}

/// The present state of an upload's job.
async fn job_of(imports: &Imports, caller: &Caller, source: &str, id: &str) -> Result<ImportJob> {
    let source = source_of(&imports.engine, caller, source).await?;
    let saved = imports.engine.job(id).await?;
    let saved = saved
        .filter(|job| job.kind == JOB_KIND && job.data_source == source.id)
        .ok_or_else(|| {
            let message = format!(
                "there is no import \"{id}\" of this data source; GET /v1/data-sources/{}/imports \
                lists them",
                source.id
            );
            ApiError::not_found("import_not_found", message)
        })?;
    imports.present(saved)
}
