//! Writes: imports, pushes, deletions, compactions.

use std::collections::BTreeMap;
use std::io::Read;

use serde_json::value::RawValue;

use super::Engine;
use crate::error::Result;
use crate::model::ObjectType;
use crate::write::ack::{PushOptions, PushResult};
use crate::write::import::{ImportOptions, ImportSummary, Input};
use crate::write::{Compaction, RecordId};
use crate::write::{check_source, push, reset_source, update_record};

impl Engine {
    /// Imports inputs as one snapshot: all of them, or nothing.
    ///
    /// # Errors
    /// When an input cannot be read, another process writes, or the disk fails. Rejected rows are
    /// not an error: see [`ImportSummary::rejections`].
    pub async fn import(
        &self,
        inputs: Vec<Input>,
        options: &ImportOptions,
    ) -> Result<ImportSummary> {
        options.check()?;
        let (writer, options) = (self.writer().await?, options.clone());
        self.store.background.run(async move { writer.import(inputs, &options).await }).await
    }

    /// Pushes records as JSON, NDJSON, CSV or Parquet bytes, of one type or in a document that names
    /// the types. They are stored together or not at all. When this returns, they are durable; a
    /// moment later the movements have them ([`Engine::flush`] waits for that). Rows that name their
    /// data source ([`PushOptions::row_sources`]) do not belong to `data_source`.
    ///
    /// # Errors
    /// When another process writes, too many pushes wait, or the disk fails. Rejected rows are not
    /// an error: see [`PushResult::rejections`].
    pub async fn push(
        &self,
        data_source: &str,
        object: Option<ObjectType>,
        bytes: Vec<u8>,
        options: &PushOptions,
    ) -> Result<PushResult> {
        let request = push::decode(&self.store, data_source, object, bytes, options).await?;
        self.writer().await?.push(request).await
    }

    /// Pushes a stream in requests of at most so many rows, one after another, and calls
    /// `acknowledged` for each.
    ///
    /// # Errors
    /// When another process writes, the disk fails, or `acknowledged` fails; the requests that were
    /// acknowledged before stay.
    pub async fn push_stream(
        &self,
        data_source: &str,
        object: ObjectType,
        input: Box<dyn Read + Send>,
        rows_each: usize,
        options: &PushOptions,
        acknowledged: impl FnMut(PushResult) -> Result<()>,
    ) -> Result<()> {
        let decoder = push::decoder(&self.store, data_source, Some(object), options).await?;
        let writer = self.writer().await?;
        push::push_stream(&writer, decoder, input, rows_each, acknowledged).await
    }

    /// Deletes records of one type by their ids, durably like a push. A deleted customer's invoices
    /// are hidden, not deleted.
    ///
    /// # Errors
    /// As for [`Engine::push`]. An unknown id is not an error: its status is `not_found`.
    pub async fn delete(
        &self,
        data_source: &str,
        object: ObjectType,
        ids: &[String],
    ) -> Result<PushResult> {
        push::delete(&self.store, &*self.writer().await?, data_source, object, ids).await
    }

    /// Changes the fields of a record that `changes` has, under either of their names; null empties
    /// a field. It is durable like a push, and waits until earlier pushes are published. The result
    /// is none if there is no such record.
    ///
    /// # Errors
    /// As for [`Engine::push`]; [`crate::Error::Changed`] when other callers keep changing the
    /// record.
    pub async fn update_record(
        &self,
        record: &RecordId,
        changes: &BTreeMap<String, Box<RawValue>>,
        options: &PushOptions,
    ) -> Result<Option<PushResult>> {
        update_record(&self.store, &*self.writer().await?, record, changes, options).await
    }

    /// Deletes every record that the data source with this id has sent until now, and returns how
    /// many these were. The data source itself may be deleted. `progress` receives the number of
    /// records that are deleted so far. The source and its pull stay, and so does the past.
    ///
    /// # Errors
    /// When there never was such a source, another process writes, or the disk fails; records that
    /// are deleted by then stay deleted.
    pub async fn reset_data_source(
        &self,
        id: &str,
        progress: impl FnMut(u64) + Send,
    ) -> Result<u64> {
        check_source(&self.store, id).await?;
        reset_source(&self.store, &*self.writer().await?, id, progress).await
    }

    /// Returns once all acknowledged rows are published.
    ///
    /// # Errors
    /// When the publication fails; it is tried again.
    pub async fn flush(&self) -> Result<()> {
        let writer = self.writer.lock().await.clone();
        match writer {
            Some(writer) => writer.flush().await,
            None => Ok(()),
        }
    }

    /// Merges small files into sorted ones and removes the files that no retained snapshot needs. It
    /// changes no number; reads and pushes go on meanwhile.
    ///
    /// # Errors
    /// When another process writes or the disk fails; then nothing has changed.
    pub async fn compact(&self) -> Result<Compaction> {
        let writer = self.writer().await?;
        self.store.background.run(async move { writer.compact().await }).await
    }
}
