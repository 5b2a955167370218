//! A reset: every record of a data source is deleted, request by request.

use std::time::Duration;

use arrow::array::AsArray;
use datafusion::common::ParamValues;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt;

use crate::error::{Error, Result};
use crate::model::ObjectType;
use crate::records::RowStatus;
use crate::store::{SnapshotFiles, Store};
use crate::tables::Table;
use crate::tables::column;
use crate::write::Writer;
use crate::write::ack::{Deletion, Request};

const RECORDS_OF_SOURCE: &str = include_str!("../../sql/sources/records_of_source.sql");

/// Records that one request deletes at most.
const IDS_EACH: usize = 5_000;

/// The pause after other requests have filled the space that was freed.
const WAIT_FOR_ROOM: Duration = Duration::from_millis(50);

/// Invoices go first: without its customer an invoice is hidden, and without its plan it would be
/// computed in vain.
const ORDER: [ObjectType; 3] = [ObjectType::Invoices, ObjectType::Customers, ObjectType::Plans];

/// Deletes every record of a data source, and returns how many these were.
pub(crate) async fn reset_source(
    store: &Store,
    writer: &Writer,
    id: &str,
    mut progress: impl FnMut(u64) + Send,
) -> Result<u64> {
    let mut deleted = 0;
    for object in ORDER {
        // Acknowledged records are deleted too.
        writer.flush().await?;
        let (pinned, _pin) = store.pinned_for_reading().await?;
        let mut records = records(store, &pinned, id, object).await?;
        while let Some(batch) = records.try_next().await? {
            let ids: Vec<_> = column(&batch, "id")?
                .as_string::<i32>()
                .iter()
                .flatten()
                .map(str::to_string)
                .collect();
            for ids in ids.chunks(IDS_EACH) {
                let deletion = Deletion { object, ids: ids.to_vec() };
                deleted += delete(store, writer, id, &deletion).await?;
                progress(deleted);
            }
        }
    }
    writer.flush().await?;
    Ok(deleted)
}

/// Fails if there never was a data source with this id; it may be deleted.
pub(crate) async fn check_source(store: &Store, id: &str) -> Result<()> {
    match store.catalog.had_data_source(id).await? {
        true => Ok(()),
        false => Err(Error::Argument(format!(
            "there is no data source \"{id}\"; name one that is there"
        ))),
    }
}

/// The ids of the records of one type, in the order of the files.
async fn records(
    store: &Store,
    pinned: &SnapshotFiles,
    data_source: &str,
    object: ObjectType,
) -> Result<SendableRecordBatchStream> {
    let context = store.sessions.parallel()?;
    let current = store.tables(pinned)?.current(&store.sessions, Table::Records(object)).await?;
    context.register_table("records", current.into_view())?;
    let parameters = ParamValues::from(vec![("data_source", ScalarValue::from(data_source))]);
    Ok(context
        .sql(RECORDS_OF_SOURCE)
        .await?
        .with_param_values(parameters)?
        .execute_stream()
        .await?)
}

/// Deletes records once the inbox has space for it, and returns how many were there.
async fn delete(
    store: &Store,
    writer: &Writer,
    data_source: &str,
    deletion: &Deletion,
) -> Result<u64> {
    loop {
        writer.make_room().await?;
        let request = Request::deleting(data_source, store.now(), deletion.clone());
        match writer.push(request).await {
            Err(Error::Overloaded) => tokio::time::sleep(WAIT_FOR_ROOM).await,
            Ok(pushed) => {
                return Ok(pushed
                    .result
                    .iter()
                    .filter(|row| row.status == RowStatus::Deleted)
                    .count() as u64);
            }
            Err(error) => return Err(error),
        }
    }
}
