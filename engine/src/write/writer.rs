//! The writer: what an engine becomes when it first writes. It holds the directory, acknowledges,
//! publishes and tidies up.

use std::sync::Arc;

use chrono::TimeDelta;
use chrono_tz::Tz;
use datafusion::common::runtime::SpawnedTask;
use tokio::sync::{Mutex, MutexGuard};

use super::compact;
use super::import;
use super::settings;
use crate::error::{Error, Result};
use crate::files::WriterLock;
use crate::store::{SnapshotFiles, Store};
use crate::write::ack::{Acknowledger, Request};
use crate::write::compact::{Compaction, CompactionJob};
use crate::write::flush::flush;
use crate::write::import::{ImportOptions, ImportSummary, Input};
use crate::write::push::Pushed;

/// The one writer of a data directory.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    _upkeep: SpawnedTask<()>,
}

/// What calls and the upkeep share.
pub(super) struct Shared {
    pub(super) store: Arc<Store>,
    pub(super) acknowledger: Acknowledger,
    /// Held from the pin that a publication is built on until its commit: publications follow one
    /// another.
    pub(super) publishing: Mutex<()>,
    /// Held by a compaction; there is one at a time.
    compacting: Mutex<()>,
}

impl Writer {
    /// Takes the directory, and finishes what another writer has left as far as it can be: the
    /// upkeep tries the rest again.
    pub(crate) async fn start(store: &Arc<Store>) -> Result<Writer> {
        let lock = WriterLock::take_soon(store.directory.root()).await?;
        sweep(store).await?;
        if let Err(error) = finish(store).await {
            tracing::warn!(%error, "finish what the writer before has left");
        }
        let left = store.catalog.inbox(i64::MAX, u64::MAX).await?;
        let acknowledger =
            Acknowledger::start(store, Arc::new(store.pinned().await?), &left, lock).await?;
        let shared = Arc::new(Shared {
            store: Arc::clone(store),
            acknowledger,
            publishing: Mutex::new(()),
            compacting: Mutex::new(()),
        });
        let upkeep = store.begin_aside(super::upkeep::run(Arc::clone(&shared)));
        Ok(Writer { shared, _upkeep: upkeep })
    }

    /// Returns once the request is durable, or refused.
    pub(crate) async fn push(&self, request: Request) -> Result<Pushed> {
        self.shared.acknowledger.push(request).await
    }

    /// Whether more may be acknowledged.
    pub(crate) fn has_room(&self) -> bool {
        self.shared.acknowledger.unpublished().bytes() <= self.shared.store.config.push.inbox_bytes
    }

    /// The last sequence that was acknowledged or published.
    pub(crate) fn last_acknowledged(&self) -> i64 {
        self.shared.acknowledger.last_sequence()
    }

    /// Publishes what is acknowledged when half of what may wait does.
    pub(crate) async fn make_room(&self) -> Result<()> {
        if self.shared.acknowledger.unpublished().bytes()
            > self.shared.store.config.push.inbox_bytes / 2
        {
            self.flush().await?;
        }
        Ok(())
    }

    /// Publishes everything that is acknowledged.
    pub(crate) async fn flush(&self) -> Result<()> {
        let until = self.last_acknowledged();
        let publishing = self.shared.publishing.lock().await;
        self.shared.flush(until, &publishing).await
    }

    pub(crate) async fn import(
        &self,
        inputs: Vec<Input>,
        options: &ImportOptions,
    ) -> Result<ImportSummary> {
        let received_at = self.shared.store.now();
        let data_source = self.shared.store.data_source_id(&options.data_source).await?;
        let timezone = self.timezone().await?;
        let staged =
            import::stage(&self.shared.store, &data_source, timezone, inputs, options).await?;
        options.tell(import::Progress::Comparing);
        let publishing =
            options.unless_canceled(async { Ok(self.shared.publishing.lock().await) }).await?;
        let reserved = self.shared.acknowledger.reserve(staged.rows()).await?;
        let first_sequence = reserved.first_sequence;
        let admitted = async {
            self.shared.flush(first_sequence - 1, &publishing).await?;
            let pinned = Arc::new(self.shared.store.pinned().await?);
            staged
                .admit(
                    &self.shared.store,
                    &pinned,
                    &data_source,
                    first_sequence,
                    received_at,
                    options,
                )
                .await
        }
        .await;
        self.shared.acknowledger.import_over(Arc::new(self.shared.store.pinned().await?)).await?;
        drop((reserved, publishing));
        let summary = admitted?;
        if summary.snapshot.is_some() {
            self.shared.compact_due().await?;
            self.shared.thin(&mut Compaction::default()).await?;
        }
        Ok(summary)
    }

    /// Recomputes what follows from the wanted settings.
    pub(crate) async fn apply_settings(&self) -> Result<()> {
        self.shared.apply_settings().await
    }

    /// Compacts everything that can be.
    pub(crate) async fn compact(&self) -> Result<Compaction> {
        let mut done = Compaction::default();
        self.shared.compact(compact::all_jobs, &mut done).await?;
        self.shared.thin(&mut done).await?;
        Ok(done)
    }

    async fn timezone(&self) -> Result<Tz> {
        Ok(self.shared.store.pinned().await?.info.settings.timezone)
    }

    /// Publishes what is acknowledged. The directory is given up once no call is at work any more.
    pub(crate) async fn close(self: Arc<Writer>) -> Result<()> {
        let flushed = self.flush().await;
        // What is being compacted is not thrown away, nor are its files left behind.
        let _no_compaction = self.shared.compacting.lock().await;
        let _no_publication = self.shared.publishing.lock().await;
        self.shared.acknowledger.close().await;
        flushed
    }
}

/// Sweeps what writes that did not end have left; the caller holds the lock.
async fn sweep(store: &Store) -> Result<()> {
    store.catalog.settle().await?;
    let last_snapshot = store.pinned().await?.info.id;
    store.directory.sweep(&store.catalog.named_files().await?, last_snapshot)
}

/// Publishes what was acknowledged, and carries out what was set; the caller holds the lock.
async fn finish(store: &Arc<Store>) -> Result<()> {
    while flush(store, &Arc::new(store.pinned().await?), i64::MAX).await?.is_some() {}
    settings::apply(store, &Mutex::new(())).await
}

/// Finishes what a writer that is gone has left, so that nobody reads numbers of other settings
/// than those that are set; where another one holds the directory, that is its work. What is
/// published can be read in any case.
pub(crate) async fn finish_left_behind(store: &Arc<Store>) -> Result<()> {
    if store.catalog.inbox_end().await?.is_none() && settings::to_apply(store).await?.is_none() {
        return Ok(());
    }
    // Whoever was dropped in this process is gone in a moment, and nobody else finishes it.
    let taken = match WriterLock::take(store.directory.root()) {
        Err(Error::WriterBusy { pid, .. }) if pid == std::process::id().to_string() => {
            WriterLock::take_soon(store.directory.root()).await
        }
        taken => taken,
    };
    let finished = match taken {
        Ok(_lock) => match sweep(store).await {
            Ok(()) => finish(store).await,
            Err(error) => Err(error),
        },
        Err(Error::WriterBusy { .. }) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = finished {
        tracing::warn!(%error, "finish what the last writer has left; the next one tries again");
    }
    Ok(())
}

impl Shared {
    /// Publishes what is acknowledged up to a sequence; the caller holds the right to publish.
    async fn flush(&self, until: i64, publishing: &MutexGuard<'_, ()>) -> Result<()> {
        while self.flush_some(until, publishing).await? {}
        Ok(())
    }

    /// Publishes some of it; false when there is nothing.
    pub(super) async fn flush_some(
        &self,
        until: i64,
        _publishing: &MutexGuard<'_, ()>,
    ) -> Result<bool> {
        let pinned = Arc::new(self.store.pinned().await?);
        // Also by a flush that was broken off once it had published.
        self.acknowledger.unpublished().published(pinned.info.last_sequence);
        let Some(until) = flush(&self.store, &pinned, until).await? else { return Ok(false) };
        self.acknowledger.unpublished().published(until);
        self.acknowledger.published(Arc::new(self.store.pinned().await?), until).await?;
        Ok(true)
    }

    pub(super) async fn compact_due(&self) -> Result<()> {
        while self.compact(compact::due_jobs, &mut Compaction::default()).await? {}
        Ok(())
    }

    /// Carries out the compactions that are planned for the newest snapshot; false when there is
    /// nothing to do, or what they read was replaced meanwhile.
    async fn compact(
        &self,
        plan: fn(&SnapshotFiles) -> Vec<CompactionJob>,
        done: &mut Compaction,
    ) -> Result<bool> {
        let _one_at_a_time = self.compacting.lock().await;
        let pinned = self.store.pinned().await?;
        let jobs = plan(&pinned);
        if jobs.is_empty() {
            return Ok(false);
        }
        let written = compact::write(&self.store, &pinned, jobs).await?;
        let _publishing = self.publishing.lock().await;
        let published =
            compact::publish(&self.store, &self.store.pinned().await?, written, done).await?;
        self.acknowledger.published(Arc::new(self.store.pinned().await?), 0).await?;
        Ok(published)
    }

    /// Forgets old snapshots and removes the files that nobody needs.
    pub(super) async fn thin(&self, done: &mut Compaction) -> Result<()> {
        let store = &self.store;
        let Some(in_use) = store.snapshots_in_use() else { return Ok(()) };
        let removed = store.thin_catalog(in_use).await?;
        store.directory.remove(&removed)?;
        done.files_removed += removed.len();
        Ok(())
    }

    /// Forgets the answers to requests with idempotency keys that are kept no longer.
    pub(super) async fn forget_answers(&self) -> Result<()> {
        let kept =
            TimeDelta::from_std(self.store.config.push.idempotency_kept).unwrap_or(TimeDelta::MAX);
        match self.store.now().checked_sub_signed(kept) {
            Some(until) => self.store.catalog.forget_answers(until).await,
            None => Ok(()),
        }
    }

    pub(super) async fn apply_settings(&self) -> Result<()> {
        if settings::to_apply(&self.store).await?.is_none() {
            return Ok(());
        }
        // A fold would hide who was computed meanwhile.
        let _no_compaction = self.compacting.lock().await;
        settings::apply(&self.store, &self.publishing).await?;
        self.acknowledger.published(Arc::new(self.store.pinned().await?), 0).await
    }
}
