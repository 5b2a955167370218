//! Upkeep: what a writer does beside its calls. It publishes acknowledged pushes, moves the day,
//! applies settings, compacts.

use std::sync::Arc;
use std::time::Duration;

use datafusion::common::runtime::SpawnedTask;
use tokio::time::{Instant, sleep, sleep_until};

use crate::error::Result;
use crate::write::compact::Compaction;
use crate::write::publish::{Addition, publish};
use crate::write::writer::Shared;

/// How often the day, the settings and the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often old snapshots are forgotten and files that nobody needs removed.
const THIN_EVERY: Duration = Duration::from_secs(60);
/// How long is waited for what is being made durable.
const SOON: Duration = Duration::from_millis(10);
/// How long is waited after a failed publication before the next attempt.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// How long is waited until settings that could not be applied are computed again.
const RETRY_SETTINGS_AFTER: Duration = Duration::from_secs(60);

/// Runs until it is dropped.
pub(super) async fn run(shared: Arc<Shared>) {
    let _tidying = SpawnedTask::spawn(tidy(Arc::clone(&shared)));
    let _moving = SpawnedTask::spawn(move_log(Arc::clone(&shared)));
    let (limits, unpublished) = (shared.store.config.push, shared.acknowledger.unpublished());
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
        let publishing = shared.publishing.lock().await;
        let flushed = shared.flush_some(i64::MAX, &publishing).await;
        drop(publishing);
        match flushed {
            Ok(true) => {}
            // It is counted before it is there.
            Ok(false) => sleep(SOON).await,
            Err(error) => {
                tracing::error!(%error, "publish acknowledged pushes; they are kept and tried again");
                sleep(RETRY_AFTER).await;
            }
        }
    }
}

/// Keeps the catalog's log small, however long other work takes.
async fn move_log(shared: Arc<Shared>) {
    loop {
        sleep(LOOK_EVERY).await;
        tell("move the catalog's log into its file", shared.store.checkpoint().await);
    }
}

/// What may take longer, and is never in the way of publications. What fails is tried again, and
/// keeps nothing else from being done.
async fn tidy(shared: Arc<Shared>) {
    let (mut compacted, mut thinned_at, mut settings_at) = (None, Instant::now(), Instant::now());
    loop {
        sleep(LOOK_EVERY).await;
        if thinned_at.elapsed() >= THIN_EVERY {
            thinned_at = Instant::now();
            tell("remove files that nobody needs", shared.thin(&mut Compaction::default()).await);
            tell("forget old idempotency keys", shared.forget_answers().await);
        }
        tell("move the day", move_day(&shared).await);
        tell("compact", compact(&shared, &mut compacted).await);
        if Instant::now() >= settings_at
            && !tell("apply the settings", shared.apply_settings().await)
        {
            settings_at = Instant::now() + RETRY_SETTINGS_AFTER;
        }
    }
}

/// Logs what failed; whether it was done.
fn tell(what: &'static str, done: Result<()>) -> bool {
    if let Err(error) = &done {
        tracing::error!(%error, "{what}; it is tried again");
    }
    done.is_ok()
}

/// Compacts what is due since the snapshot that was last looked at.
async fn compact(shared: &Shared, compacted: &mut Option<i64>) -> Result<()> {
    let newest = shared.store.pinned().await?.info.id;
    if *compacted != Some(newest) {
        shared.compact_due().await?;
        *compacted = Some(shared.store.pinned().await?.info.id);
    }
    Ok(())
}

/// Publishes what the change of the day changes: a grace that has run out is a lapse from now on.
async fn move_day(shared: &Shared) -> Result<()> {
    let is_past = |as_of, settings: &_| as_of != shared.store.today(settings);
    let pinned = shared.store.pinned().await?;
    if pinned.info.id == 0 || !is_past(pinned.info.as_of, &pinned.info.settings) {
        return Ok(());
    }
    let _publishing = shared.publishing.lock().await;
    let pinned = shared.store.pinned().await?;
    if is_past(pinned.info.as_of, &pinned.info.settings) {
        let nothing =
            Addition { first_sequence: pinned.info.last_sequence + 1, ..Addition::new("day") };
        let moved = publish(&shared.store, &pinned, nothing).await?;
        tracing::info!(snapshot = moved.id, as_of = %moved.as_of, "the day moved on");
    }
    Ok(())
}
