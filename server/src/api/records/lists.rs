//! Lists of records, streamed, because their length is unbounded.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, TryStreamExt};
use mrrow_engine::model::ObjectType;
use mrrow_engine::{RecordsQuery, SendableRecordBatchStream, Snapshot};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::customer_mrr::CustomerMrrStream;
use super::responses::{CustomerResponse, InvoiceResponse, PlanResponse};
use super::state::RecordsState;
use crate::error::{ApiError, Result};
use crate::http::caller::Caller;
use crate::http::data_source::{SourceQuery, visible_sources};
use crate::snapshots::RecordRow;

/// The records to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RecordListQuery {
    /// The data source's id or name; optional if the key reaches only one.
    source: Option<String>,
    /// The same as `source`.
    data_source: Option<String>,
    /// The most records, in the order of their ids; all by default.
    limit: Option<usize>,
}

/// A list of records, for the OpenAPI document.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = List)]
#[allow(dead_code)]
pub(super) struct RecordList<T: ToSchema> {
    result: RecordListResult<T>,
}

#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code)]
#[schema(as = Listed)]
pub(super) struct RecordListResult<T: ToSchema> {
    /// The number of listed records.
    count: u64,
    list: Vec<T>,
}

/// Responds with the records of a type.
pub(super) async fn respond_with_list(
    state: &RecordsState,
    caller: &Caller,
    object: ObjectType,
    query: RecordListQuery,
) -> Result<Response> {
    let RecordListQuery { source, data_source, limit } = query;
    let visible = visible_sources(&state.engine, caller).await?;
    let source =
        SourceQuery { source, data_source }.resolve(&state.engine, caller, &visible).await?;
    if source.is_none() && object != ObjectType::Plans {
        let message = "there are several data sources; name one, as in ?source=ID (GET \
            /data/data-sources lists them)";
        return Err(ApiError::invalid("source", message));
    }
    let mut snapshot = state.snapshots.read_acknowledged().await?;
    if source.is_none() && caller.key.data_sources.is_some() {
        let sources: Vec<String> = visible.into_iter().map(|source| source.id).collect();
        snapshot = snapshot.restricted_to(&sources);
    }
    let mut writer = RecordListWriter::new(&snapshot, object, source, limit).await?;
    // Write the first part now: an early error has a status of its own.
    let first = writer.next_part().await?;
    let body = futures::stream::once(async move { Ok(first) }).chain(parts(writer));
    Ok(([(CONTENT_TYPE, "application/json")], Body::from_stream(body)).into_response())
}

/// Writes a list as JSON, part by part.
struct RecordListWriter {
    object: ObjectType,
    batches: SendableRecordBatchStream,
    /// The MRR, for customers.
    mrr: Option<CustomerMrrStream>,
    is_started: bool,
    written: u64,
    is_finished: bool,
}

/// The further parts of a list.
fn parts(writer: RecordListWriter) -> impl Stream<Item = Result<String, std::io::Error>> + Send {
    futures::stream::try_unfold(writer, |mut writer| async move {
        if writer.is_finished {
            return Ok(None);
        }
        match writer.next_part().await {
            Ok(text) => Ok(Some((text, writer))),
            // The status is sent: break the connection off, so that no client takes a part for the
            // whole list.
            Err(error) => Err(std::io::Error::other(error.message)),
        }
    })
}

impl RecordListWriter {
    async fn new(
        snapshot: &Snapshot,
        object: ObjectType,
        source: Option<String>,
        limit: Option<usize>,
    ) -> Result<RecordListWriter> {
        let mrr = match object {
            ObjectType::Customers => {
                Some(CustomerMrrStream::of(snapshot, source.as_deref(), None).await?)
            }
            ObjectType::Plans | ObjectType::Invoices => None,
        };
        let query = RecordsQuery { data_source: source, limit, ..RecordsQuery::of(object) };
        let batches = snapshot.records(&query).await?;
        Ok(RecordListWriter {
            object,
            batches,
            mrr,
            is_started: false,
            written: 0,
            is_finished: false,
        })
    }

    /// The next part. The last one has the count.
    async fn next_part(&mut self) -> Result<String> {
        let mut text = String::new();
        if !self.is_started {
            self.is_started = true;
            text.push_str("{\"result\":{\"list\":[");
        }
        let Some(batch) = self.batches.try_next().await.map_err(mrrow_engine::Error::from)? else {
            self.is_finished = true;
            text.push_str(&format!("],\"count\":{}}}}}", self.written));
            return Ok(text);
        };
        for at in 0..batch.num_rows() {
            if self.written > 0 {
                text.push(',');
            }
            self.written += 1;
            text.push_str(&self.record(&RecordRow { batch: &batch, at }).await?);
        }
        Ok(text)
    }

    async fn record(&mut self, row: &RecordRow<'_>) -> Result<String> {
        let json = match (self.object, &mut self.mrr) {
            (ObjectType::Plans, _) => serde_json::to_string(&PlanResponse::of(row)?),
            (ObjectType::Invoices, _) => serde_json::to_string(&InvoiceResponse::of(row)?),
            (ObjectType::Customers, None) => {
                serde_json::to_string(&CustomerResponse::of(row, &[])?)
            }
            (ObjectType::Customers, Some(mrr)) => {
                let mrr = mrr.take(&row.required("data_source")?, &row.required("id")?).await?;
                serde_json::to_string(&CustomerResponse::of(row, &mrr)?)
            }
        };
        json.map_err(|error| ApiError::internal(format!("write a record: {error}")))
    }
}
