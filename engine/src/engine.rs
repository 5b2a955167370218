//! The engine: one data directory, opened. All of its public methods are here; those for keys, data
//! sources, pulls, plan groups and jobs are in `engine/accounts.rs`.

mod accounts;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use tempfile::TempDir;
use tokio::sync::{Mutex, mpsc};

use crate::check::Verification;
use crate::check::{self, RetainedSnapshot, StoreStatus};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::model::{ObjectType, Past, Settings};
use crate::read::Snapshot;
use crate::store::Store;
use crate::write::Compaction;
use crate::write::ack::{Decoder, Deletion, Request};
use crate::write::import::{ImportOptions, ImportSummary, Input};
use crate::write::push::{PushOptions, Pushed};
use crate::write::{Writer, finish_left_behind};

/// JSON of so many bytes is decoded in less time than it takes to hand it to another thread and
/// back.
const DECODED_AT_ONCE_BYTES_MAX: usize = 8192;

/// Requests of a stream that are decoded ahead of their acknowledgement.
const REQUESTS_AHEAD: usize = 2;

/// One opened data directory. Any number of processes may read; the first that writes holds it for
/// writing until it closes.
///
/// Once it has written, it also works beside its calls: acknowledged pushes are published, the day
/// moves, files are compacted. [`Engine::close`] ends that; an engine that is dropped loses nothing
/// either, its pushes are published when it is opened next.
pub struct Engine {
    pub(crate) store: Arc<Store>,
    pub(crate) writer: Mutex<Option<Arc<Writer>>>,
}

impl Engine {
    /// Opens a data directory, making it where it is missing. What a writer that is gone has left
    /// is finished first: what it has acknowledged is published, settings that were set are
    /// computed. Where that fails, what was published before can be read, and who writes next tries
    /// again.
    ///
    /// # Errors
    /// When the directory or its catalog cannot be read or made.
    pub async fn open(config: Config) -> Result<Engine> {
        let store = Arc::new(Store::open(config).await?);
        finish_left_behind(&store).await?;
        Ok(Engine { store, writer: Mutex::new(None) })
    }

    /// Publishes what was acknowledged, closes the catalog and gives up the writer's lock.
    ///
    /// # Errors
    /// When the last publication fails; what was acknowledged is published when the directory is
    /// opened next.
    pub async fn close(self) -> Result<()> {
        let writer = self.writer.into_inner();
        let closed = match writer {
            Some(writer) => writer.close().await,
            None => Ok(()),
        };
        self.store.catalog.close().await;
        closed
    }

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
        self.store.aside(async move { writer.import(inputs, &options).await }).await
    }

    /// Pushes records that are at hand as JSON, NDJSON, CSV or Parquet bytes, of one type or in a
    /// document that names the types. They are stored together or not at all; when it returns, they
    /// are durable, and in the movements a moment later ([`Engine::flush`] waits for that).
    /// `data_source` counts unless rows name theirs, see [`PushOptions::row_sources`].
    ///
    /// # Errors
    /// When another process writes, too many pushes wait, or the disk fails. Rejected rows are not
    /// an error: see [`Pushed::rejections`].
    pub async fn push(
        &self,
        data_source: &str,
        object: Option<ObjectType>,
        bytes: Vec<u8>,
        options: &PushOptions,
    ) -> Result<Pushed> {
        let bytes_max = self.store.config.push.request_bytes;
        if bytes.len() > bytes_max {
            let size = bytes.len();
            let message = format!(
                "the request has {size} bytes; {bytes_max} are allowed: push it in parts, or import it"
            );
            return Err(Error::TooLarge(message));
        }
        let decoder = self.decoder(data_source, object, options).await?;
        let is_plain_json = matches!(bytes.first(), Some(b'{' | b'['));
        let request = if is_plain_json && bytes.len() <= DECODED_AT_ONCE_BYTES_MAX {
            decoder.whole(bytes)?
        } else {
            let decoding = tokio::task::spawn_blocking(move || decoder.whole(bytes));
            decoding.await.map_err(|error| Error::Internal(format!("decode a push: {error}")))??
        };
        self.writer().await?.push(request).await
    }

    /// Pushes a stream in requests of at most so many rows, one after another; `acknowledged` is
    /// told of each.
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
        mut acknowledged: impl FnMut(Pushed) -> Result<()>,
    ) -> Result<()> {
        let decoder = self.decoder(data_source, Some(object), options).await?;
        let writer = self.writer().await?;
        let (sender, mut requests) = mpsc::channel::<Request>(REQUESTS_AHEAD);
        let decoding = tokio::task::spawn_blocking(move || {
            decoder.stepwise(input, rows_each, |request| {
                sender.blocking_send(request).map_err(|_| Error::Closed)
            })
        });
        while let Some(request) = requests.recv().await {
            // A stream waits for its turn.
            writer.make_room().await?;
            acknowledged(writer.push(request).await?)?;
        }
        decoding.await.map_err(|error| Error::Internal(format!("decode a push: {error}")))?
    }

    /// Deletes records of one type by their ids, durably like a push. A deleted customer's invoices
    /// are hidden, not deleted.
    ///
    /// # Errors
    /// As for [`Engine::push`]. An id that is not there is not an error: its status is `not_found`.
    pub async fn delete(
        &self,
        data_source: &str,
        object: ObjectType,
        ids: &[String],
    ) -> Result<Pushed> {
        let data_source = self.store.data_source_id(data_source).await?;
        let deletion = Deletion { object, ids: ids.to_vec() };
        self.writer().await?.push(Request::deleting(&data_source, self.store.now(), deletion)).await
    }

    /// Returns once everything that was acknowledged is published.
    ///
    /// # Errors
    /// When the publication fails; it is tried again.
    pub async fn flush(&self) -> Result<()> {
        // Without a writer nothing waits.
        let writer = self.writer.lock().await.clone();
        match writer {
            Some(writer) => writer.flush().await,
            None => Ok(()),
        }
    }

    /// Everything at one moment; `as_of` is today in the account's zone unless given.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn snapshot(&self, as_of: Option<NaiveDate>) -> Result<Snapshot> {
        Snapshot::newest(&self.store, as_of).await
    }

    /// Everything as it was known at a moment of the past; `as_of` is the day of that moment unless
    /// given.
    ///
    /// # Errors
    /// When there is no such snapshot (any more), or the store cannot be read.
    pub async fn snapshot_of(&self, past: Past, as_of: Option<NaiveDate>) -> Result<Snapshot> {
        Snapshot::past(&self.store, past, as_of).await
    }

    /// What time it is for this engine.
    pub fn now(&self) -> DateTime<Utc> {
        self.store.now()
    }

    /// Takes the directory for writing now, and not with the first write.
    ///
    /// # Errors
    /// When another process writes.
    pub async fn start_writing(&self) -> Result<()> {
        self.writer().await.map(|_| ())
    }

    /// Whether a push would be acknowledged: this process writes, the catalog answers, and there is
    /// room.
    ///
    /// # Errors
    /// Why not.
    pub async fn ready(&self) -> Result<()> {
        let writer = self.writer().await?;
        self.store.catalog.inbox_end().await?;
        if writer.has_room() { Ok(()) } else { Err(Error::Overloaded) }
    }

    /// The data directory, as a full path.
    pub fn data_dir(&self) -> &Path {
        self.store.directory.root()
    }

    /// Where a server that holds the directory listens to the command line, a socket in it.
    pub fn server_socket(&self) -> PathBuf {
        self.store.directory.server_socket()
    }

    /// A new directory inside the data directory, readable by this user alone, for what is on its
    /// way in. It is removed when it is dropped; what a process that ended has left is swept by the
    /// next writer, so that only the writer may ask for one.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new_staging(&self) -> Result<TempDir> {
        self.store.directory.new_staging()
    }

    /// The account's settings, as they were last set.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn settings(&self) -> Result<Settings> {
        self.store.settings().await
    }

    /// Sets one setting; see [`Engine::set_settings`].
    ///
    /// # Errors
    /// When there is no such setting, or it does not take the value.
    pub async fn set_setting(&self, name: &str, value: &str) -> Result<()> {
        self.set_settings(&[(name, value)]).await
    }

    /// Sets some settings, all or none, and recomputes what follows from them. Where another
    /// process writes, that one recomputes, within moments; readers see the old numbers with the
    /// old settings until then.
    ///
    /// # Errors
    /// When there is no such setting, or it does not take the value.
    pub async fn set_settings(&self, changes: &[(&str, &str)]) -> Result<()> {
        let owned: Vec<(String, String)> =
            changes.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let change = move |settings: &mut Settings| {
            owned.iter().try_for_each(|(name, value)| Ok(settings.set(name, value)?))
        };
        let before = self.store.catalog.change_settings(change).await?;
        self.store.forget_recent();
        let applied = match self.writer().await {
            Ok(writer) => self.store.aside(async move { writer.apply_settings().await }).await,
            Err(Error::WriterBusy { .. }) => Ok(()),
            Err(error) => Err(error),
        };
        if applied.is_err() {
            for (name, value) in changes {
                self.take_back(name, value, &before).await?;
            }
        }
        applied
    }

    /// Writes small files together into sorted ones and removes the files that no kept snapshot
    /// needs. It changes no number, and reads and pushes go on meanwhile.
    ///
    /// # Errors
    /// When another process writes or the disk fails; then everything is as it was.
    pub async fn compact(&self) -> Result<Compaction> {
        let writer = self.writer().await?;
        self.store.aside(async move { writer.compact().await }).await
    }

    /// What is stored, how much of it, and what is odd about it.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn status(&self) -> Result<StoreStatus> {
        check::status(&self.store).await
    }

    /// The snapshots that are kept, oldest first.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn snapshots(&self) -> Result<Vec<RetainedSnapshot>> {
        check::snapshots(&self.store).await
    }

    /// Runs every check, and recomputes everything from the records to compare it with what is
    /// stored.
    ///
    /// # Errors
    /// When the store cannot be read; differences are the result, not an error.
    pub async fn verify(&self) -> Result<Verification> {
        let (pinned, _in_use) = self.store.pinned_for_reading().await?;
        check::verify(&self.store, &pinned).await
    }

    /// Sets a setting that could not be carried out to what it was, unless somebody has set it
    /// again.
    async fn take_back(&self, name: &str, value: &str, before: &Settings) -> Result<()> {
        let before = before.get(name)?;
        let mut refused = Settings::default();
        refused.set(name, value)?;
        let refused = refused.get(name)?;
        let name = name.to_string();
        let take_back = move |settings: &mut Settings| match settings.get(&name)? == refused {
            true => Ok(settings.set(&name, &before)?),
            false => Ok(()),
        };
        self.store.catalog.change_settings(take_back).await?;
        Ok(())
    }

    async fn decoder(
        &self,
        data_source: &str,
        object: Option<ObjectType>,
        options: &PushOptions,
    ) -> Result<Decoder> {
        let data_source = match options.row_sources {
            Some(_) => String::new(),
            None => self.store.data_source_id(data_source).await?,
        };
        Ok(Decoder {
            decoded_bytes_max: self.store.config.push.decoded_bytes,
            data_source,
            object,
            timezone: self.store.timezone().await?,
            options: options.clone(),
            now: Arc::clone(&self.store.config.clock),
        })
    }

    /// The writer; this engine becomes it when it first writes.
    pub(crate) async fn writer(&self) -> Result<Arc<Writer>> {
        let mut writer = self.writer.lock().await;
        if let Some(writer) = writer.as_ref() {
            return Ok(Arc::clone(writer));
        }
        let started = Arc::new(Writer::start(&self.store).await?);
        *writer = Some(Arc::clone(&started));
        Ok(started)
    }
}
