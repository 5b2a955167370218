//! An answer of rows: its first bytes are at hand before the status is sent, and no more than a
//! batch is held at any time.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, TryStreamExt, stream};
use mrrow_engine::arrow::array::RecordBatch;
use mrrow_engine::arrow::datatypes::Schema;
use mrrow_engine::{SendableRecordBatchStream, Snapshot};
use tokio::sync::OwnedSemaphorePermit;

use crate::error::{ApiError, Result};
use crate::http::response_format::media_type;
use crate::rows::{JsonRow, RowEncoder, RowFormat};

/// Rows on their way to a client.
pub(super) struct Rows {
    pub(super) rows: SendableRecordBatchStream,
    /// How many of their columns are answered.
    pub(super) columns: usize,
    pub(super) format: RowFormat,
    /// What they are of; it stays open until they are read.
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) reading: OwnedSemaphorePermit,
}

struct Pump {
    rows: SendableRecordBatchStream,
    columns: Vec<usize>,
    /// None once the end was sent.
    encoder: Option<RowEncoder>,
    json_suffix: String,
    _snapshot: Arc<Snapshot>,
    _reading: OwnedSemaphorePermit,
}

impl Rows {
    /// Everything.
    pub(super) fn all(
        rows: SendableRecordBatchStream,
        format: RowFormat,
        snapshot: Arc<Snapshot>,
        reading: OwnedSemaphorePermit,
    ) -> Rows {
        let columns = rows.schema().fields().len();
        Rows { rows, columns, format, snapshot, reading }
    }

    /// The answer. What fails later than its first bytes breaks it off, so that nobody takes a part
    /// for the whole.
    pub(super) async fn answer(self, mut headers: HeaderMap) -> Result<Response> {
        let Rows { rows, columns, format, snapshot, reading } = self;
        let columns: Vec<usize> = (0..columns).collect();
        let schema: Schema = rows.schema().project(&columns).map_err(ApiError::internal)?;
        let json_suffix =
            format!("],\"snapshot\":{},\"as_of\":\"{}\"}}", snapshot.id(), snapshot.as_of());
        let encoder = RowEncoder::new(format, &Arc::new(schema), JsonRow::Object, "{\"result\":[")
            .map_err(ApiError::internal)?;
        let mut pump = Pump {
            rows,
            columns,
            encoder: Some(encoder),
            json_suffix,
            _snapshot: snapshot,
            _reading: reading,
        };
        let first = pump.next().await?.unwrap_or_default();
        let rest = stream::try_unfold(pump, |mut pump| async move {
            match pump.next().await {
                Ok(Some(bytes)) => Ok(Some((bytes, pump))),
                Ok(None) => Ok(None),
                // Its cause is in the log; who reads the body sees it broken off.
                Err(error) => Err(std::io::Error::other(error.message)),
            }
        });
        let first =
            stream::once(async { Ok::<Bytes, Infallible>(first) }).map_err(|never| match never {});
        headers.insert(CONTENT_TYPE, axum::http::HeaderValue::from_static(media_type(format)));
        Ok((headers, Body::from_stream(first.chain(rest))).into_response())
    }
}

impl Pump {
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

    /// Encodes rows, or the end, away from the threads that answer.
    async fn encode(&mut self, rows: Option<RecordBatch>) -> Result<Bytes> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(Bytes::new()) };
        let columns = self.columns.clone();
        let json_suffix = self.json_suffix.clone();
        let encoding = tokio::task::spawn_blocking(move || match rows {
            Some(rows) => {
                encoder.write(&rows.project(&columns)?).map(|bytes| (Some(encoder), bytes))
            }
            None => encoder.finish(&json_suffix).map(|bytes| (None, bytes)),
        });
        let (encoder, bytes) =
            encoding.await.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
        self.encoder = encoder;
        Ok(bytes.into())
    }
}
