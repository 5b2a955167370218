//! Reads, changes and deletes a record of any type.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use mrrow_engine::arrow::array::RecordBatch;
use mrrow_engine::ingest::{Dialect, field_name};
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::PushOptions;
use mrrow_engine::{RecordId, RecordsQuery, RowStatus, Snapshot};
use serde_json::value::RawValue;

use super::state::RecordsState;
use crate::api::push::{RecordPointer, invalid_records};
use crate::error::{ApiError, Result};
use crate::http::caller::Caller;
use crate::http::data_source::{SourceQuery, visible_sources};

/// New values of fields, by either of their names; null empties a field.
pub(super) type FieldChanges = BTreeMap<String, Box<RawValue>>;

/// Reads a record: a batch of one row, and its snapshot.
pub(super) async fn read(
    state: &RecordsState,
    caller: &Caller,
    object: ObjectType,
    id: &str,
    query: &SourceQuery,
) -> Result<(Snapshot, RecordBatch)> {
    let source = source_of_record(state, caller, object, id, query).await?;
    let snapshot = state.snapshots.read_acknowledged().await?;
    let query = RecordsQuery {
        data_source: Some(source),
        id: Some(id.to_string()),
        ..RecordsQuery::of(object)
    };
    let mut batches = snapshot.records(&query).await?;
    while let Some(batch) = batches.try_next().await.map_err(mrrow_engine::Error::from)? {
        if batch.num_rows() > 0 {
            return Ok((snapshot, batch));
        }
    }
    Err(record_not_found(object, id))
}

/// Changes fields of a record; returns the sequence of the change.
pub(super) async fn update(
    state: &RecordsState,
    caller: &Caller,
    object: ObjectType,
    id: &str,
    mut query: SourceQuery,
    changes: &FieldChanges,
) -> Result<i64> {
    caller.require_admin()?;
    for name in changes.keys().filter(|name| field_name(object, name) == Some("id")) {
        if text(&changes[name]).as_deref() != Some(id) {
            return Err(ApiError::invalid(
                name,
                format!("\"{name}\" is not \"{id}\"; an id cannot be changed"),
            ));
        }
    }
    if query.source.is_none() && query.data_source.is_none() {
        query.source = changes.get("data_source").and_then(|source| text(source));
    }
    let data_source = source_of_record(state, caller, object, id, &query).await?;
    state.snapshots.until_all_published().await?;
    let record = RecordId { data_source, object, id: id.to_string() };
    let options = PushOptions { dialect: Dialect::Clients, ..PushOptions::default() };
    match state.engine.update_record(&record, changes, &options).await? {
        None => Err(record_not_found(object, id)),
        Some(pushed) if !pushed.stored => Err(invalid_records(&pushed, &RecordPointer::Single)),
        Some(pushed) => Ok(pushed.sequence),
    }
}

/// Deletes a record; returns the sequence of the deletion.
pub(super) async fn delete(
    state: &RecordsState,
    caller: &Caller,
    object: ObjectType,
    id: &str,
    query: &SourceQuery,
) -> Result<i64> {
    caller.require_admin()?;
    let source = source_of_record(state, caller, object, id, query).await?;
    let deleted = state.engine.delete(&source, object, &[id.to_string()]).await?;
    match deleted.result.first().map(|row| row.status) {
        Some(RowStatus::Deleted) => Ok(deleted.sequence),
        _ => Err(record_not_found(object, id)),
    }
}

fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// The data source of a record: the one in the query, or the only one with this id.
async fn source_of_record(
    state: &RecordsState,
    caller: &Caller,
    object: ObjectType,
    id: &str,
    query: &SourceQuery,
) -> Result<String> {
    let visible = visible_sources(&state.engine, caller).await?;
    if let Some(source) = query.resolve(&state.engine, caller, &visible).await? {
        return Ok(source);
    }
    let snapshot = state.snapshots.read_acknowledged().await?;
    let mut sources = snapshot.sources_of(object, id).await?;
    sources.retain(|source| caller.key.sees(source));
    match sources.as_slice() {
        [] => Err(record_not_found(object, id)),
        [only] => Ok(only.clone()),
        [first, ..] => {
            let names =
                sources.iter().map(|source| format!("\"{source}\"")).collect::<Vec<_>>().join(", ");
            let message = format!(
                "\"{id}\" is in the data sources {names}; name one of them, as in ?source={first}"
            );
            Err(ApiError::conflict("ambiguous_data_source", message))
        }
    }
}

fn record_not_found(object: ObjectType, id: &str) -> ApiError {
    let (code, noun) = match object {
        ObjectType::Customers => ("customer_not_found", "customer"),
        ObjectType::Plans => ("plan_not_found", "plan"),
        ObjectType::Invoices => ("invoice_not_found", "invoice"),
    };
    ApiError::not_found(
        code,
        format!("there is no {noun} \"{id}\"; GET /data/{object} lists all of them"),
    )
}
