//! Upkeep: background work of a writer. It publishes acknowledged pushes, moves the day, applies
//! settings and compacts.

use std::sync::Arc;
use std::time::Duration;

use datafusion::common::runtime::SpawnedTask;
use tokio::time::{Instant, sleep, sleep_until};

use crate::error::Result;
use crate::write::compact::Compaction;
use crate::write::publish::{Addition, publish};
use crate::write::publisher::Publisher;

/// The pause between two checks of the day, the settings and the files.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// The pause between two removals of old snapshots and unneeded files.
const THIN_EVERY: Duration = Duration::from_secs(60);
/// The pause before rows that were added are durable.
const SOON: Duration = Duration::from_millis(10);
/// The pause after a failed publication.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// The pause after settings could not be applied.
const RETRY_SETTINGS_AFTER: Duration = Duration::from_secs(60);

/// Runs until it is dropped.
pub(super) async fn run(publisher: Arc<Publisher>) {
    let _tidying = SpawnedTask::spawn(tidy(Arc::clone(&publisher)));
    let _moving = SpawnedTask::spawn(move_log(Arc::clone(&publisher)));
    let (limits, unpublished) = (publisher.store.config.push, publisher.queue.unpublished());
    loop {
        if unpublished.bytes() == 0 {
            unpublished.grown().await;
        }
        let flush_at = Instant::now() + limits.flush_after;
        while Instant::now() < flush_at && unpublished.bytes() < limits.flush_bytes {
            tokio::select! {
                () = sleep_until(flush_at) => {}
                () = unpublished.grown() => {}
            }
        }
        let publishing = publisher.publishing.lock().await;
        let flushed = publisher.flush_step(i64::MAX, &publishing).await;
        drop(publishing);
        match flushed {
            Ok(true) => {}
            // Rows are counted before they are durable.
            Ok(false) => sleep(SOON).await,
            Err(error) => {
                tracing::error!(%error, "publish acknowledged pushes; they stay in the inbox, and this is tried again");
                sleep(RETRY_AFTER).await;
            }
        }
    }
}

/// Keeps the catalog's log small, beside other work.
async fn move_log(publisher: Arc<Publisher>) {
    loop {
        sleep(CHECK_EVERY).await;
        log("move the catalog's log into its file", publisher.store.checkpoint().await);
    }
}

/// Runs work that may take long and does not block publications. A failure does not stop other
/// work, and is tried again.
async fn tidy(publisher: Arc<Publisher>) {
    let (mut compacted, mut thinned_at, mut settings_at) = (None, Instant::now(), Instant::now());
    loop {
        sleep(CHECK_EVERY).await;
        if thinned_at.elapsed() >= THIN_EVERY {
            thinned_at = Instant::now();
            log("remove unneeded files", publisher.thin(&mut Compaction::default()).await);
            log("forget old idempotency keys", publisher.forget_answers().await);
        }
        log("move the day", move_day(&publisher).await);
        log("compact", compact(&publisher, &mut compacted).await);
        if Instant::now() >= settings_at
            && !log("apply the settings", publisher.apply_settings().await)
        {
            settings_at = Instant::now() + RETRY_SETTINGS_AFTER;
        }
    }
}

/// Logs a failure; whether the work was done.
fn log(work: &'static str, done: Result<()>) -> bool {
    if let Err(error) = &done {
        tracing::error!(%error, "{work}; it is tried again");
    }
    done.is_ok()
}

/// Compacts if there is a newer snapshot than at the last compaction.
async fn compact(publisher: &Publisher, compacted: &mut Option<i64>) -> Result<()> {
    let newest = publisher.store.pinned().await?.info.id;
    if *compacted != Some(newest) {
        publisher.compact_due().await?;
        *compacted = Some(publisher.store.pinned().await?.info.id);
    }
    Ok(())
}

/// Publishes a snapshot as of today if the day has changed: a grace may have ended.
async fn move_day(publisher: &Publisher) -> Result<()> {
    let is_past = |as_of, settings: &_| as_of != publisher.store.today(settings);
    let pinned = publisher.store.pinned().await?;
    if pinned.info.id == 0 || !is_past(pinned.info.as_of, &pinned.info.settings) {
        return Ok(());
    }
    let _publishing = publisher.publishing.lock().await;
    let pinned = publisher.store.pinned().await?;
    if is_past(pinned.info.as_of, &pinned.info.settings) {
        let nothing =
            Addition { first_sequence: pinned.info.last_sequence + 1, ..Addition::new("day") };
        let moved = publish(&publisher.store, &pinned, nothing).await?;
        tracing::info!(snapshot = moved.id, as_of = %moved.as_of, "the day moved on");
    }
    Ok(())
}
