//! The steps that every read has in common, whatever its rows are.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Response;
use mrrow_engine::budget::Permit;
use mrrow_engine::{SendableRecordBatchStream, Snapshot};

use super::rows_response::RowsResponse;
use super::state::ReadsState;
use crate::error::{ApiError, Result};
use crate::http::caller::{Caller, KeyLookup};
use crate::http::data_source::source_of;
use crate::http::extract::{Query, RequestTarget};
use crate::http::response_format::{RequestedFormat, format_name};
use crate::rows::RowFormat;
use crate::snapshots::{EntityTag, ReadParams};

/// A read: its caller, snapshot and format.
pub(super) struct ReadRequest {
    caller: Caller,
    parameters: ReadParams,
    format: RequestedFormat,
    target: String,
    headers: HeaderMap,
}

/// The options of a read, which differ between handlers.
pub(super) struct ReadOptions<'a> {
    /// The id or name of the only data source to read; all by default.
    pub(super) data_source: Option<&'a str>,
    /// The format if the client accepts any.
    pub(super) default_format: RowFormat,
}

/// The first half of a read.
pub(super) enum Read {
    /// The client has the response already.
    NotModified(Response),
    Open(OpenRead),
}

/// A read with its snapshot, before its rows.
pub(super) struct OpenRead {
    pub(super) snapshot: Arc<Snapshot>,
    format: RowFormat,
    headers: HeaderMap,
    permit: Permit,
}

impl<S: Send + Sync> FromRequestParts<S> for ReadRequest
where
    KeyLookup: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<ReadRequest> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let Query(parameters) = Query::from_request_parts(parts, state).await?;
        let format = RequestedFormat::from_request_parts(parts, state).await?;
        let RequestTarget(target) = RequestTarget::from_request_parts(parts, state).await?;
        Ok(ReadRequest { caller, parameters, format, target, headers: parts.headers.clone() })
    }
}

impl ReadRequest {
    /// Opens the selected snapshot, unless the client has the response already.
    pub(super) async fn open(self, state: &ReadsState, options: ReadOptions<'_>) -> Result<Read> {
        let ReadRequest { mut caller, parameters, format, target, headers } = self;
        let format = format.or(options.default_format);
        if let Some(id) = options.data_source {
            let source = source_of(&state.engine, &caller, id).await?;
            caller.key.data_sources = Some(vec![source.id]);
        }
        let selection = state.snapshots.select(&parameters).await?;
        let tag = EntityTag::new(&caller, &target, format_name(format));
        if let Some(response) = tag.not_modified(&selection, &headers) {
            return Ok(Read::NotModified(response));
        }
        let permit = state.snapshots.admit()?;
        let snapshot = state.snapshots.open(&selection, &caller).await?;
        let headers = tag.headers(&selection, snapshot.id());
        Ok(Read::Open(OpenRead { snapshot, format, headers, permit }))
    }
}

impl OpenRead {
    /// Responds with rows of the snapshot, and with a name for the downloaded file.
    pub(super) async fn respond(
        self,
        rows: SendableRecordBatchStream,
        file_name: Option<&str>,
    ) -> Result<Response> {
        let OpenRead { snapshot, format, headers, permit } = self;
        let response = RowsResponse { rows, format, snapshot, permit };
        response.respond(headers, file_name).await
    }
}
