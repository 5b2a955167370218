//! The writer: what an engine becomes when it first writes. It holds the directory, acknowledges, publishes and tidies up.

mod upkeep;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono_tz::Tz;
use datafusion::common::runtime::SpawnedTask;
use tokio::sync::{Mutex, MutexGuard, Notify};

use crate::compact::{self, Compaction, Job};
use crate::core::{Core, Pinned};
use crate::error::{Error, Result};
use crate::import::{self, ImportOptions, ImportSummary, Input};
use crate::model::Settings;
use crate::push::{Acknowledger, Pushed, Request, flush};
use crate::settings;
use crate::store::WriterLock;

/// The one writer of a data directory.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    _upkeep: SpawnedTask<()>,
    _lock: WriterLock,
}

/// What calls and the upkeep share.
struct Shared {
    core: Arc<Core>,
    acknowledger: Acknowledger,
    /// Held from the pin that a publication is built on until its commit: publications follow one another.
    publishing: Mutex<()>,
    /// Held by a compaction; there is one at a time.
    compacting: Mutex<()>,
    /// Told when something was acknowledged.
    acknowledged: Notify,
    /// Set while rows may wait in the inbox.
    waiting: AtomicBool,
}

impl Writer {
    /// Takes the directory, sweeps what a write that did not end has left, and publishes what was acknowledged before.
    pub(crate) async fn start(core: &Arc<Core>) -> Result<Writer> {
        let lock = WriterLock::take(core.directory.root())?;
        let pinned = tidy(core).await?;
        let next_sequence = pinned.info.last_sequence + 1;
        let acknowledger = Acknowledger::start(core, pinned, next_sequence);
        let shared = Arc::new(Shared {
            core: Arc::clone(core),
            acknowledger,
            publishing: Mutex::new(()),
            compacting: Mutex::new(()),
            acknowledged: Notify::new(),
            waiting: AtomicBool::new(false),
        });
        let upkeep = SpawnedTask::spawn(upkeep::run(Arc::clone(&shared)));
        Ok(Writer { shared, _upkeep: upkeep, _lock: lock })
    }

    /// Returns once the request is durable, or refused.
    pub(crate) async fn push(&self, request: Request) -> Result<Pushed> {
        let pushed = self.shared.acknowledger.push(request).await?;
        if pushed.stored {
            self.shared.waiting.store(true, Ordering::Release);
            self.shared.acknowledged.notify_one();
        }
        Ok(pushed)
    }

    /// Publishes everything that is acknowledged.
    pub(crate) async fn flush(&self) -> Result<()> {
        let publishing = self.shared.publishing.lock().await;
        self.shared.flush(i64::MAX, &publishing).await?;
        Ok(())
    }

    pub(crate) async fn import(&self, inputs: Vec<Input>, options: &ImportOptions) -> Result<ImportSummary> {
        let received_at = self.shared.core.now();
        let data_source = self.shared.core.data_source_id(&options.data_source).await?;
        let timezone = self.timezone().await?;
        let staged = import::stage(&self.shared.core, &data_source, timezone, inputs, options).await?;
        options.tell(import::Progress::Comparing);
        let publishing = self.shared.publishing.lock().await;
        let first_sequence = self.shared.acknowledger.reserve(staged.rows()).await?;
        let admitted = async {
            self.shared.flush(first_sequence - 1, &publishing).await?;
            let pinned = Arc::new(self.shared.core.pinned().await?);
            staged.admit(&self.shared.core, &pinned, &data_source, first_sequence, received_at, options).await
        }
        .await;
        self.shared.acknowledger.import_over(Arc::new(self.shared.core.pinned().await?)).await?;
        drop(publishing);
        let summary = admitted?;
        if summary.snapshot.is_some() {
            self.compact_due().await?;
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
        let jobs = compact::all_jobs(&self.shared.core.pinned().await?);
        for job in jobs {
            self.shared.compact(&job, &mut done).await?;
        }
        self.shared.thin(&mut done).await?;
        Ok(done)
    }

    /// Compacts what is due.
    async fn compact_due(&self) -> Result<()> {
        self.shared.compact_due().await
    }

    async fn timezone(&self) -> Result<Tz> {
        Ok(self.shared.core.pinned().await?.info.settings.timezone)
    }

    /// Publishes what is acknowledged; the directory is given up with the last reference.
    pub(crate) async fn close(self: Arc<Writer>) -> Result<()> {
        self.flush().await
    }
}

/// What the holder of the lock does first: it sweeps orphans and publishes what was acknowledged.
async fn tidy(core: &Arc<Core>) -> Result<Arc<Pinned>> {
    let pinned = Arc::new(core.pinned().await?);
    core.directory.sweep(&core.catalog.named_files().await?, pinned.info.id)?;
    match flush(core, &pinned, i64::MAX).await? {
        Some(_) => Ok(Arc::new(core.pinned().await?)),
        None => Ok(pinned),
    }
}

/// Publishes what a writer that is gone has acknowledged; where another one holds the directory, that is its work.
pub(crate) async fn publish_left_behind(core: &Arc<Core>) -> Result<()> {
    if core.catalog.inbox_end().await?.is_none() {
        return Ok(());
    }
    match WriterLock::take(core.directory.root()) {
        Ok(_lock) => {
            tidy(core).await?;
            Ok(())
        }
        Err(Error::WriterBusy { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

impl Shared {
    /// Publishes what is acknowledged up to a sequence; the caller holds the right to publish.
    async fn flush(&self, until: i64, _publishing: &MutexGuard<'_, ()>) -> Result<()> {
        if until == i64::MAX {
            self.waiting.store(false, Ordering::Release);
        }
        let pinned = Arc::new(self.core.pinned().await?);
        let Some(flushed) = flush(&self.core, &pinned, until).await? else { return Ok(()) };
        let pinned = Arc::new(self.core.pinned().await?);
        self.acknowledger.published(pinned, flushed.until, flushed.bytes).await
    }

    async fn compact_due(&self) -> Result<()> {
        let mut done = Compaction::default();
        while let Some(job) = compact::due_job(&self.core.pinned().await?) {
            if !self.compact(&job, &mut done).await? {
                break;
            }
        }
        self.thin(&mut done).await
    }

    /// Carries out one compaction; false when what it read was replaced meanwhile.
    async fn compact(&self, job: &Job, done: &mut Compaction) -> Result<bool> {
        let _one_at_a_time = self.compacting.lock().await;
        let files = compact::write(&self.core, &self.core.pinned().await?, job).await?;
        let _publishing = self.publishing.lock().await;
        let pinned = self.core.pinned().await?;
        let published = compact::publish(&self.core, &pinned, job, files, done).await?;
        self.acknowledger.published(Arc::new(self.core.pinned().await?), 0, 0).await?;
        Ok(published)
    }

    /// Forgets old snapshots and removes the files that nobody needs.
    async fn thin(&self, done: &mut Compaction) -> Result<()> {
        let core = &self.core;
        let removed = core.catalog.thin(core.config.retention, core.now(), &core.snapshots_in_use()).await?;
        core.directory.remove(&removed)?;
        done.files_removed += removed.len();
        Ok(())
    }

    async fn apply_settings(&self) -> Result<()> {
        let Some(wanted) = self.core.catalog.wanted_settings().await? else { return Ok(()) };
        if wanted == self.core.pinned().await?.info.settings {
            return Ok(());
        }
        // A fold would hide who was computed meanwhile.
        let _no_compaction = self.compacting.lock().await;
        let before = self.core.pinned().await?;
        if wanted == before.info.settings {
            return Ok(());
        }
        if recomputes(&wanted, &before.info.settings) {
            let computed = settings::compute(&self.core, &before, &wanted).await?;
            let _publishing = self.publishing.lock().await;
            settings::publish(&self.core, &before, wanted, computed).await?;
        } else {
            let _publishing = self.publishing.lock().await;
            settings::publish_label(&self.core, wanted).await?;
        }
        self.acknowledger.published(Arc::new(self.core.pinned().await?), 0, 0).await
    }
}

/// Whether numbers follow from the difference; the base currency is for reporting only.
fn recomputes(wanted: &Settings, before: &Settings) -> bool {
    let numbers = |settings: &Settings| Settings { base_currency: None, ..settings.clone() };
    numbers(wanted) != numbers(before)
}
