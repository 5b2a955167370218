//! The publisher: flushes, imports, compactions and changes of settings take turns to publish a
//! snapshot.

use std::sync::Arc;

use chrono::TimeDelta;
use tokio::sync::{Mutex, MutexGuard};

use crate::error::Result;
use crate::store::{SnapshotFiles, Store};
use crate::write::ack::AckQueue;
use crate::write::compact::{self, Compaction, CompactionJob};
use crate::write::flush::flush;
use crate::write::settings;

/// The state of a writer that its calls and its upkeep share.
pub(super) struct Publisher {
    pub(super) store: Arc<Store>,
    pub(super) queue: AckQueue,
    /// Held from the snapshot that a publication is based on until its commit: publications follow
    /// one another.
    pub(super) publishing: Mutex<()>,
    /// Held by a compaction; one runs at a time.
    pub(super) compacting: Mutex<()>,
}

impl Publisher {
    pub(super) fn new(store: &Arc<Store>, queue: AckQueue) -> Publisher {
        Publisher {
            store: Arc::clone(store),
            queue,
            publishing: Mutex::new(()),
            compacting: Mutex::new(()),
        }
    }

    /// Publishes the acknowledged rows up to a sequence; the caller holds `publishing`.
    pub(super) async fn flush(&self, until: i64, publishing: &MutexGuard<'_, ()>) -> Result<()> {
        while self.flush_step(until, publishing).await? {}
        Ok(())
    }

    /// Publishes some of them; false if there are none.
    pub(super) async fn flush_step(
        &self,
        until: i64,
        _publishing: &MutexGuard<'_, ()>,
    ) -> Result<bool> {
        let pinned = Arc::new(self.store.pinned().await?);
        // A flush that was canceled may have published.
        self.queue.unpublished().published(pinned.info.last_sequence);
        let Some(until) = flush(&self.store, &pinned, until).await? else { return Ok(false) };
        self.queue.unpublished().published(until);
        Ok(true)
    }

    /// Carries out the compactions that are due.
    pub(super) async fn compact_due(&self) -> Result<()> {
        while self.compact(compact::due_jobs, &mut Compaction::default()).await? {}
        Ok(())
    }

    /// Carries out the compactions that are planned for the newest snapshot; false if there are
    /// none, or their input was replaced meanwhile.
    pub(super) async fn compact(
        &self,
        plan: fn(&SnapshotFiles) -> Vec<CompactionJob>,
        done: &mut Compaction,
    ) -> Result<bool> {
        let _compacting = self.compacting.lock().await;
        let pinned = self.store.pinned().await?;
        let jobs = plan(&pinned);
        if jobs.is_empty() {
            return Ok(false);
        }
        let written = compact::write(&self.store, &pinned, jobs).await?;
        let _publishing = self.publishing.lock().await;
        compact::publish(&self.store, &self.store.pinned().await?, written, done).await
    }

    /// Removes the files that no retained snapshot needs.
    pub(super) async fn thin(&self, done: &mut Compaction) -> Result<()> {
        let store = &self.store;
        let Some(in_use) = store.pins.pinned() else { return Ok(()) };
        let removed = store.thin_catalog(in_use).await?;
        store.directory.remove(&removed)?;
        done.files_removed += removed.len();
        Ok(())
    }

    /// Forgets the responses to requests whose idempotency keys have expired.
    pub(super) async fn forget_answers(&self) -> Result<()> {
        let retained =
            TimeDelta::from_std(self.store.config.push.idempotency_kept).unwrap_or(TimeDelta::MAX);
        match self.store.now().checked_sub_signed(retained) {
            Some(until) => self.store.catalog.forget_answers(until).await,
            None => Ok(()),
        }
    }

    /// Recomputes and publishes what depends on the wanted settings.
    pub(super) async fn apply_settings(&self) -> Result<()> {
        if settings::to_apply(&self.store).await?.is_none() {
            return Ok(());
        }
        // A fold would hide which customers were computed meanwhile.
        let _compacting = self.compacting.lock().await;
        settings::apply(&self.store, &self.publishing).await
    }
}
