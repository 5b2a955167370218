//! The writer: it holds the directory's lock, acknowledges pushes and publishes.

use std::sync::Arc;

use chrono_tz::Tz;
use datafusion::common::runtime::SpawnedTask;

use crate::error::Result;
use crate::files::WriterLock;
use crate::store::Store;
use crate::write::ack::{AckQueue, PushResult, Request};
use crate::write::compact::{self, Compaction};
use crate::write::import::{self, ImportOptions, ImportSummary, Input};
use crate::write::publisher::Publisher;
use crate::write::{recovery, upkeep};

/// The one writer of a data directory. An engine has one from its first write on.
pub(crate) struct Writer {
    publisher: Arc<Publisher>,
    _upkeep: SpawnedTask<()>,
}

impl Writer {
    /// Takes the directory's lock, and publishes what another writer has left. If that fails, the
    /// upkeep tries again.
    pub(crate) async fn start(store: &Arc<Store>) -> Result<Writer> {
        let lock = WriterLock::take_soon(store.directory.root()).await?;
        recovery::sweep(store).await?;
        if let Err(error) = recovery::finish(store).await {
            tracing::warn!(%error, "publish what the writer before has left");
        }
        let left = store.catalog.inbox(i64::MAX, u64::MAX).await?;
        let queue = AckQueue::start(store, Arc::new(store.pinned().await?), &left, lock).await?;
        let publisher = Arc::new(Publisher::new(store, queue));
        let upkeep = store.background.spawn(upkeep::run(Arc::clone(&publisher)));
        Ok(Writer { publisher, _upkeep: upkeep })
    }

    /// Returns once the request is durable, or refused.
    pub(crate) async fn push(&self, request: Request) -> Result<PushResult> {
        self.publisher.queue.push(request).await
    }

    /// Whether the inbox has space for a request.
    pub(crate) fn has_room(&self) -> bool {
        self.publisher.queue.has_room()
    }

    /// The last sequence that was acknowledged or published.
    pub(crate) fn last_acknowledged(&self) -> i64 {
        self.publisher.store.sequences.acknowledged().unwrap_or_default()
    }

    /// Publishes the acknowledged rows if they fill half of the inbox.
    pub(crate) async fn make_room(&self) -> Result<()> {
        if self.publisher.queue.is_half_full() { self.flush().await } else { Ok(()) }
    }

    /// Publishes all acknowledged rows.
    pub(crate) async fn flush(&self) -> Result<()> {
        let until = self.last_acknowledged();
        let publishing = self.publisher.publishing.lock().await;
        self.publisher.flush(until, &publishing).await
    }

    /// Stages the inputs beside other work, then publishes them as one snapshot.
    pub(crate) async fn import(
        &self,
        inputs: Vec<Input>,
        options: &ImportOptions,
    ) -> Result<ImportSummary> {
        let store = &self.publisher.store;
        let received_at = store.now();
        let data_source = store.lookups.data_source_id(&options.data_source).await?;
        let timezone = self.timezone().await?;
        let staged = import::stage(store, &data_source, timezone, inputs, options).await?;
        options.tell(import::Progress::Comparing);
        let publishing =
            options.unless_canceled(async { Ok(self.publisher.publishing.lock().await) }).await?;
        let sequences = store.sequences.reserve_for_import(staged.rows()).await;
        let first = sequences.first_sequence;
        let admitted = async {
            self.publisher.flush(first - 1, &publishing).await?;
            let pinned = Arc::new(store.pinned().await?);
            staged.admit(store, &pinned, &data_source, first, received_at, options).await
        }
        .await;
        // The commit loop sees the snapshot of the import before its end.
        store.pinned().await?;
        sequences.finish();
        drop(publishing);
        let summary = admitted?;
        if summary.snapshot.is_some() {
            self.publisher.compact_due().await?;
            self.publisher.thin(&mut Compaction::default()).await?;
        }
        Ok(summary)
    }

    /// Recomputes and publishes what depends on the wanted settings.
    pub(crate) async fn apply_settings(&self) -> Result<()> {
        self.publisher.apply_settings().await
    }

    /// Compacts all files that can be compacted.
    pub(crate) async fn compact(&self) -> Result<Compaction> {
        let mut done = Compaction::default();
        self.publisher.compact(compact::all_jobs, &mut done).await?;
        self.publisher.thin(&mut done).await?;
        Ok(done)
    }

    async fn timezone(&self) -> Result<Tz> {
        Ok(self.publisher.store.pinned().await?.info.settings.timezone)
    }

    /// Publishes all acknowledged rows, and releases the directory's lock once no call uses it.
    pub(crate) async fn close(self: Arc<Writer>) -> Result<()> {
        let flushed = self.flush().await;
        // A compaction that is running ends first, so that its work and files are not lost.
        let _compacting = self.publisher.compacting.lock().await;
        let _publishing = self.publisher.publishing.lock().await;
        self.publisher.queue.close().await;
        flushed
    }
}
