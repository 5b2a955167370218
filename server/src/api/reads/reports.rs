//! `GET /v1/reports/{report}`: one handler for every report of the engine's registry.
//! `GET /v1/movements` and `GET /v1/mrr` are shorter paths of two reports.

mod document;

use axum::extract::{FromRef, State};
use axum::response::Response;
use axum::routing::get;
use mrrow_engine::reports::{REPORTS, Report, report};
use utoipa_axum::router::OpenApiRouter;

use super::request::{Read, ReadOptions, ReadRequest};
use super::state::ReadsState;
use crate::error::Result;
use crate::http::caller::KeyLookup;
use crate::http::extract::{Path, Query};
use crate::rows::RowFormat;
use document::paths;

/// The reports with a path of their own.
const SHORT_PATHS: [&str; 2] = ["movements", "mrr"];

/// The parameters of every read, which are not those of a report.
const READ_PARAMETERS: [&str; 6] =
    ["as_of", "snapshot", "known_at", "data_source", "format", "min_sequence"];

/// The rule for parameters that the report does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UnknownParameters {
    Refuse,
    /// Clients of the shorter paths may send more than they need.
    Ignore,
}

/// The shorter paths.
pub(super) fn short_routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    KeyLookup: FromRef<S>,
    ReadsState: FromRef<S>,
{
    let reports = REPORTS.into_iter().filter(|report| SHORT_PATHS.contains(&report.name));
    reports.fold(OpenApiRouter::new(), |router, report| {
        let handler = move |State(state): State<ReadsState>,
                            request: ReadRequest,
                            Query(query): Query<Vec<(String, String)>>| async move {
            respond(&state, report, UnknownParameters::Ignore, &query, request).await
        };
        let path = format!("/{}", report.name);
        router.routes((Vec::new(), paths(&path, report), get(handler)))
    })
}

/// The path of every report. Each report is a path in the document.
pub(super) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    KeyLookup: FromRef<S>,
    ReadsState: FromRef<S>,
{
    let mut router = OpenApiRouter::new().route("/reports/{report}", get(named_report));
    for report in REPORTS.into_iter().filter(|report| report.is_public) {
        let path = format!("/reports/{}", report.name);
        router.get_openapi_mut().paths.merge(paths(&path, report));
    }
    router
}

async fn named_report(
    State(state): State<ReadsState>,
    request: ReadRequest,
    Path(name): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response> {
    let report = report(&name)?;
    respond(&state, report, UnknownParameters::Refuse, &query, request).await
}

async fn respond(
    state: &ReadsState,
    report: &'static Report,
    unknown: UnknownParameters,
    query: &[(String, String)],
    request: ReadRequest,
) -> Result<Response> {
    let is_passed = |name: &str| match unknown {
        UnknownParameters::Refuse => !READ_PARAMETERS.contains(&name),
        UnknownParameters::Ignore => {
            report.parameters.iter().any(|parameter| parameter.name == name)
        }
    };
    let parameters: Vec<(&str, &str)> = query
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| is_passed(name))
        .collect();
    let rows = report.request(&parameters)?;
    let data_source = query.iter().find(|(name, _)| name == "data_source");
    let options = ReadOptions {
        data_source: data_source.map(|(_, value)| value.as_str()),
        default_format: RowFormat::Json,
    };
    match request.open(state, options).await? {
        Read::NotModified(response) => Ok(response),
        Read::Open(read) => {
            let rows = read.snapshot.report(&rows).await?;
            read.respond(rows, None).await
        }
    }
}
