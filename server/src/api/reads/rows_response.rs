//! A response of rows, streamed batch by batch. The first batch is encoded before the status is
//! sent, so that an early error has a status of its own.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, TryStreamExt, stream};
use mrrow_engine::arrow::array::RecordBatch;
use mrrow_engine::budget::Permit;
use mrrow_engine::{SendableRecordBatchStream, Snapshot};

use crate::error::{ApiError, Result};
use crate::http::response_format::{format_name, media_type};
use crate::rows::{JsonRow, RowEncoder, RowFormat};

/// Rows to stream to a client.
pub(super) struct RowsResponse {
    pub(super) rows: SendableRecordBatchStream,
    pub(super) format: RowFormat,
    /// Stays open until the rows are read.
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) permit: Permit,
}

/// Reads and encodes batch by batch.
struct EncodedRows {
    rows: SendableRecordBatchStream,
    /// None after the end.
    encoder: Option<RowEncoder>,
    json_suffix: String,
    _snapshot: Arc<Snapshot>,
    _permit: Permit,
}

impl RowsResponse {
    /// An error after the first bytes breaks the response off, so that no client takes a part for
    /// the whole.
    pub(super) async fn respond(
        self,
        mut headers: HeaderMap,
        file_name: Option<&str>,
    ) -> Result<Response> {
        let RowsResponse { rows, format, snapshot, permit } = self;
        let json_suffix =
            format!("],\"snapshot\":{},\"as_of\":\"{}\"}}", snapshot.id(), snapshot.as_of());
        let encoder = RowEncoder::new(format, &rows.schema(), JsonRow::Object, "{\"result\":[")
            .map_err(ApiError::internal)?;
        let mut encoded = EncodedRows {
            rows,
            encoder: Some(encoder),
            json_suffix,
            _snapshot: snapshot,
            _permit: permit,
        };
        let first = encoded.next().await?.unwrap_or_default();
        let rest = stream::try_unfold(encoded, |mut encoded| async move {
            match encoded.next().await {
                Ok(Some(bytes)) => Ok(Some((bytes, encoded))),
                Ok(None) => Ok(None),
                // The log has the cause; the client sees a broken body.
                Err(error) => Err(std::io::Error::other(error.message)),
            }
        });
        let first =
            stream::once(async { Ok::<Bytes, Infallible>(first) }).map_err(|never| match never {});
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(format)));
        if let Some(name) = file_name {
            let value = format!("attachment; filename=\"{name}.{}\"", format_name(format));
            let value = HeaderValue::from_str(&value).map_err(ApiError::internal)?;
            headers.insert(CONTENT_DISPOSITION, value);
        }
        Ok((headers, Body::from_stream(first.chain(rest))).into_response())
    }
}

impl EncodedRows {
    /// The next bytes; none after the end.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        while self.encoder.is_some() {
            let rows = self.rows.try_next().await.map_err(mrrow_engine::Error::from)?;
            let bytes = self.encode(rows).await?;
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// Encodes rows, or the end, on a thread that may block.
    async fn encode(&mut self, rows: Option<RecordBatch>) -> Result<Bytes> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(Bytes::new()) };
        let json_suffix = self.json_suffix.clone();
        let encoding = tokio::task::spawn_blocking(move || match rows {
            Some(rows) => encoder.write(&rows).map(|bytes| (Some(encoder), bytes)),
            None => encoder.finish(&json_suffix).map(|bytes| (None, bytes)),
        });
        let (encoder, bytes) =
            encoding.await.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
        self.encoder = encoder;
        Ok(bytes.into())
    }
}
