//! A reset: every record of a data source is deleted, request by request.

use std::time::Duration;

use arrow::array::AsArray;
use datafusion::common::ParamValues;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt;

use super::Writer;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::model::ObjectType;
use crate::records::Status;
use crate::store::{SnapshotFiles, Store};
use crate::tables::Table;
use crate::tables::column;
use crate::write::ack::{Deletion, Request};

const RECORDS_OF_SOURCE: &str = include_str!("../../sql/sources/records_of_source.sql");

/// Records that one request deletes at most.
const IDS_EACH: usize = 5_000;

/// How long is waited after others have taken the room that was made.
const WAIT_FOR_ROOM: Duration = Duration::from_millis(50);

/// Invoices go first: without its customer an invoice is hidden, and without its plan it is
/// computed for nothing.
const ORDER: [ObjectType; 3] = [ObjectType::Invoices, ObjectType::Customers, ObjectType::Plans];

impl Engine {
    /// Deletes every record that the data source with this id, which may be deleted itself, has
    /// sent until now, and returns how many these were. `progress` is told how many are deleted so
    /// far. The source stays, and how it is fetched; what was known before stays known.
    ///
    /// # Errors
    /// When there never was such a source, another process writes, or the disk fails; what is
    /// deleted by then stays deleted.
    pub async fn reset_data_source(
        &self,
        id: &str,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<u64> {
        if !self.store.catalog.had_data_source(id).await? {
            return Err(Error::Argument(format!(
                "there is no data source \"{id}\"; name one that is there"
            )));
        }
        let writer = self.writer().await?;
        let mut deleted = 0;
        for object in ORDER {
            // What is acknowledged is to be found too.
            writer.flush().await?;
            let (pinned, _in_use) = self.store.pinned_for_reading().await?;
            let mut records = records(&self.store, &pinned, id, object).await?;
            while let Some(batch) = records.try_next().await? {
                let ids: Vec<_> = column(&batch, "id")?
                    .as_string::<i32>()
                    .iter()
                    .flatten()
                    .map(str::to_string)
                    .collect();
                for ids in ids.chunks(IDS_EACH) {
                    deleted +=
                        delete(&self.store, &writer, id, &Deletion { object, ids: ids.to_vec() })
                            .await?;
                    progress(deleted);
                }
            }
        }
        writer.flush().await?;
        Ok(deleted)
    }
}

/// The ids of the records of one type, as they lie.
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

/// Deletes records once there is room for it, and returns how many were there.
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
                return Ok(
                    pushed.result.iter().filter(|row| row.status == Status::Deleted).count() as u64,
                );
            }
            Err(error) => return Err(error),
        }
    }
}
