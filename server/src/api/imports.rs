//! Large uploads: a body of any size becomes a job, which imports it whole or not at all.
//!
//! The body is kept in a file inside the data directory until its turn has come: a client has its
//! answer when everything is received, a slow one is in nobody's way, and Parquet is read where it
//! lies. One upload is imported at a time, the next ones wait.

mod asked;
mod job;
mod queue;
mod receive;
mod run;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderMap, LOCATION};
use axum::response::IntoResponse;
use tokio_util::io::ReaderStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{ApiError, ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::data_source::source_of;
use crate::http::extract::Path;

use asked::{Asked, ImportQuery};
use job::{ImportJob, ImportJobs, KIND};

pub(crate) use queue::Imports;
pub(crate) use run::end;

/// So many of the newest jobs are listed.
const LISTED_MAX: u32 = 100;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, start))
        .routes(routes!(show, cancel))
        .routes(routes!(rejects))
}

/// Uploads records of any size: JSON, NDJSON, CSV or Parquet, plain or compressed with gzip or
/// zstd.
///
/// The answer comes when the body is received. Then its rows are read, held against those that are
/// stored, and published as one snapshot or not at all; the job tells how far it is. CSV, Parquet
/// and NDJSON need `object`; a JSON document may name the types itself: `{"customers": […],
/// "plans": […], "invoices": […]}`.
#[utoipa::path(post, path = "/data-sources/{id}/imports", tag = "imports",
    params(("id" = String, Path, description = "the data source's id or name"), ImportQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "the records"),
    responses((status = 202, description = "everything is received; the job", body = ImportJob,
               headers(("Location" = String, description = "where the job is told of"))),
              (status = 404, description = "no such data source", body = ErrorBody),
              (status = 409, description = "it was canceled while it was received", body = ErrorBody),
              (status = 415, description = "an encoding that is not known", body = ErrorBody),
              (status = 429, description = "too many imports wait; Retry-After says when to send it again", body = ErrorBody)))]
async fn start(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse> {
    caller.require_admin()?;
    let source = source_of(&app, &caller, &id).await?;
    let asked = Asked::parse(query.as_deref().unwrap_or_default(), &headers)?;
    let job = receive::receive(&app, source.id, asked, body).await?;
    let location = job.location();
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], axum::Json(job)))
}

/// The newest uploads of a data source, newest first.
#[utoipa::path(get, path = "/data-sources/{id}/imports", tag = "imports",
    params(("id" = String, Path, description = "the data source's id or name")),
    responses((status = 200, description = "the jobs", body = ImportJobs),
              (status = 404, description = "no such data source", body = ErrorBody)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<ImportJobs>> {
    let source = source_of(&app, &caller, &id).await?;
    let saved = app.engine.jobs(Some(&source.id), Some(KIND), LISTED_MAX).await?;
    let result = saved.into_iter().map(|job| app.imports.as_it_is(job)).collect::<Result<_>>()?;
    Ok(axum::Json(ImportJobs { result }))
}

/// How far an upload is, or what has become of it.
#[utoipa::path(get, path = "/data-sources/{id}/imports/{job}", tag = "imports",
    params(("id" = String, Path, description = "the data source's id or name"), ("job" = String, Path, description = "the job's id")),
    responses((status = 200, description = "the job", body = ImportJob),
              (status = 404, description = "no such data source, or no such job", body = ErrorBody)))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path((id, job)): Path<(String, String)>,
) -> Result<axum::Json<ImportJob>> {
    Ok(axum::Json(job_of(&app, &caller, &id, &job).await?))
}

/// Cancels an upload: nothing of it is stored.
#[utoipa::path(delete, path = "/data-sources/{id}/imports/{job}", tag = "imports",
    params(("id" = String, Path, description = "the data source's id or name"), ("job" = String, Path, description = "the job's id")),
    responses((status = 200, description = "the job as it has ended", body = ImportJob),
              (status = 404, description = "no such data source, or no such job", body = ErrorBody),
              (status = 409, description = "it was over already", body = ErrorBody)))]
async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path((id, job)): Path<(String, String)>,
) -> Result<axum::Json<ImportJob>> {
    caller.require_admin()?;
    job_of(&app, &caller, &id, &job).await?;
    let over = || {
        ApiError::conflict(
            "import_over",
            format!("the import \"{job}\" is over already; GET it to see how it ended"),
        )
    };
    app.imports.cancel(&job).await.map(axum::Json).ok_or_else(over)
}

/// Every rejected row with what is wrong with it, a JSON object a line; of the newest imports,
/// until the server is started again.
#[utoipa::path(get, path = "/data-sources/{id}/imports/{job}/rejects", tag = "imports",
    params(("id" = String, Path, description = "the data source's id or name"), ("job" = String, Path, description = "the job's id")),
    responses((status = 200, description = "the rejected rows", body = String, content_type = "application/x-ndjson"),
              (status = 404, description = "no such job, or its rejected rows are not kept", body = ErrorBody)))]
async fn rejects(
    State(app): State<App>,
    caller: Caller,
    Path((id, job)): Path<(String, String)>,
) -> Result<impl IntoResponse> {
    job_of(&app, &caller, &id, &job).await?;
    let Some(path) = app.imports.rejects_of(&job) else {
        let message = format!(
            "the rejected rows of the import \"{job}\" are not kept; the job shows the first of them"
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

/// An upload's job, as it is now.
async fn job_of(app: &App, caller: &Caller, source: &str, id: &str) -> Result<ImportJob> {
    let source = source_of(app, caller, source).await?;
    let saved = app.engine.job(id).await?;
    let saved = saved.filter(|job| job.kind == KIND && job.data_source == source.id).ok_or_else(|| {
        let message = format!(
            "there is no import \"{id}\" of this data source; GET /v1/data-sources/{}/imports lists them",
            source.id
        );
        ApiError::not_found("import_not_found", message)
    })?;
    app.imports.as_it_is(saved)
}
