//! Lists of records, streamed: they may be of any length.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, TryStreamExt};
use mrrow_engine::model::ObjectType;
use mrrow_engine::reports::LivesQuery;
use mrrow_engine::{RecordsQuery, SendableRecordBatchStream, Snapshot};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::fresh;
use super::lives::Lives;
use super::shapes::{Customer, Invoice, Plan, Row};
use crate::app::App;
use crate::error::{ApiError, ErrorBody, Result};
use crate::http::caller::Caller;
use crate::http::data_source::{SourceQuery, visible_sources};
use crate::http::extract::Query;

/// Which records to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// The data source's id or name; may be left out where the key sees only one.
    source: Option<String>,
    /// The same as `source`.
    data_source: Option<String>,
    /// Only the first so many, in the order of their ids; all unless given.
    limit: Option<usize>,
}

/// A list.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code)]
pub(super) struct List<T: ToSchema> {
    result: Listed<T>,
}

#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code)]
pub(super) struct Listed<T: ToSchema> {
    /// How many are listed.
    count: u64,
    list: Vec<T>,
}

/// The customers of a data source.
#[utoipa::path(get, path = "/customers", tag = "data", params(ListQuery),
    responses((status = 200, description = "the customers", body = List<Customer>),
              (status = 404, description = "no such data source", body = ErrorBody)))]
pub(super) async fn customers(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Response> {
    list(&app, &caller, ObjectType::Customers, query).await
}

/// The plans of a data source, or of all that the key sees.
#[utoipa::path(get, path = "/plans", tag = "data", params(ListQuery),
    responses((status = 200, description = "the plans", body = List<Plan>),
              (status = 404, description = "no such data source", body = ErrorBody)))]
pub(super) async fn plans(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Response> {
    list(&app, &caller, ObjectType::Plans, query).await
}

/// The invoices of a data source.
#[utoipa::path(get, path = "/invoices", tag = "data", params(ListQuery),
    responses((status = 200, description = "the invoices", body = List<Invoice>),
              (status = 404, description = "no such data source", body = ErrorBody)))]
pub(super) async fn invoices(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Response> {
    list(&app, &caller, ObjectType::Invoices, query).await
}

async fn list(
    app: &App,
    caller: &Caller,
    object: ObjectType,
    query: ListQuery,
) -> Result<Response> {
    let ListQuery { source, data_source, limit } = query;
    let visible = visible_sources(app, caller).await?;
    let source = SourceQuery { source, data_source }.resolve(app, caller, &visible).await?;
    if source.is_none() && object != ObjectType::Plans {
        let message = "there are several data sources; name one, as in ?source=ID (GET /data/data-sources lists them)";
        return Err(ApiError::invalid("source", message));
    }
    let mut snapshot = fresh(app).await?;
    if source.is_none() && caller.key.data_sources.is_some() {
        let seen: Vec<String> = visible.into_iter().map(|source| source.id).collect();
        snapshot = snapshot.restricted_to(&seen);
    }
    let mut rows = rows(&snapshot, object, source, limit).await?;
    // What fails at once has a status.
    let first = rows.piece().await?;
    let body = futures::stream::once(async move { Ok(first) }).chain(pieces(rows));
    Ok(([(CONTENT_TYPE, "application/json")], Body::from_stream(body)).into_response())
}

/// The records that are to be written.
struct Rows {
    object: ObjectType,
    batches: SendableRecordBatchStream,
    lives: Option<Lives>,
    is_begun: bool,
    written: u64,
    is_over: bool,
}

async fn rows(
    snapshot: &Snapshot,
    object: ObjectType,
    source: Option<String>,
    limit: Option<usize>,
) -> Result<Rows> {
    let lives = match object {
        ObjectType::Customers => Some(
            Lives::of(snapshot, &LivesQuery { data_source: source.clone(), customer: None })
                .await?,
        ),
        ObjectType::Plans | ObjectType::Invoices => None,
    };
    let query = RecordsQuery { data_source: source, limit, ..RecordsQuery::of(object) };
    let batches = snapshot.records(&query).await?;
    Ok(Rows { object, batches, lives, is_begun: false, written: 0, is_over: false })
}

/// The list as JSON, piece by piece.
fn pieces(rows: Rows) -> impl Stream<Item = Result<String, std::io::Error>> + Send {
    futures::stream::try_unfold(rows, |mut rows| async move {
        if rows.is_over {
            return Ok(None);
        }
        match rows.piece().await {
            Ok(text) => Ok(Some((text, rows))),
            // The status is sent already: the connection is broken off, so that nobody takes half a
            // list for a whole.
            Err(error) => Err(std::io::Error::other(error.message)),
        }
    })
}

impl Rows {
    /// The next piece; the count comes with the last one, when it is known.
    async fn piece(&mut self) -> Result<String> {
        let mut text = String::new();
        if !self.is_begun {
            self.is_begun = true;
            text.push_str("{\"result\":{\"list\":[");
        }
        let Some(batch) = self.batches.try_next().await.map_err(mrrow_engine::Error::from)? else {
            self.is_over = true;
            text.push_str(&format!("],\"count\":{}}}}}", self.written));
            return Ok(text);
        };
        for at in 0..batch.num_rows() {
            if self.written > 0 {
                text.push(',');
            }
            self.written += 1;
            text.push_str(&self.record(&Row { batch: &batch, at }).await?);
        }
        Ok(text)
    }

    async fn record(&mut self, row: &Row<'_>) -> Result<String> {
        let json = match (self.object, &mut self.lives) {
            (ObjectType::Plans, _) => serde_json::to_string(&Plan::of(row)?),
            (ObjectType::Invoices, _) => serde_json::to_string(&Invoice::of(row)?),
            (ObjectType::Customers, None) => serde_json::to_string(&Customer::of(row, &[])?),
            (ObjectType::Customers, Some(lives)) => {
                let lives = lives.take(&row.required("data_source")?, &row.required("id")?).await?;
                serde_json::to_string(&Customer::of(row, &lives)?)
            }
        };
        json.map_err(|error| ApiError::internal(format!("write a record: {error}")))
    }
}
