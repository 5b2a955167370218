//! Starts the syncs that are due by their schedules.

use chrono::{DateTime, TimeDelta, Utc};
use mrrow_engine::sources::Pull;

use super::error::PullResult;
use super::settings::PullSettings;
use super::start::{StartAt, start};
use super::state::PullState;
use super::sync_progress::JOB_KIND;

/// The pause after an error, when the schedules are read again.
const ERROR_PAUSE: TimeDelta = TimeDelta::minutes(1);

/// Starts syncs when they are due, until the server stops.
pub(crate) async fn run_scheduler(state: PullState) {
    // A run that was missed while the server was down is due at once.
    let mut next = Some(state.now());
    loop {
        if next.is_some_and(|next| next <= state.now()) {
            next = start_due_syncs(&state).await.unwrap_or_else(|error| {
                tracing::error!(%error, "look for scheduled syncs");
                Some(state.now() + ERROR_PAUSE)
            });
        }
        tokio::select! {
            () = state.stopping.cancelled() => return,
            () = state.schedule_changed.notified() => next = Some(state.now()),
            // Sleep in short ticks: the engine's clock may run differently from tokio's.
            () = tokio::time::sleep(state.limits.schedule_tick) => {}
        }
    }
}

/// Starts every sync that is due, and returns the time at which the next one is due.
async fn start_due_syncs(state: &PullState) -> PullResult<Option<DateTime<Utc>>> {
    let mut next: Option<DateTime<Utc>> = None;
    for pull in state.engine.pulls().await? {
        let Some(due) = next_due(state, &pull).await? else { continue };
        // The end of a running sync notifies `schedule_changed`.
        if state.syncs.job(&pull.data_source).is_some() {
            continue;
        }
        if due > state.now() {
            next = Some(next.map_or(due, |next| next.min(due)));
            continue;
        }
        if let Err(error) = start(state, &pull.data_source, StartAt::Beginning).await {
            tracing::error!(%error, data_source = pull.data_source, "start a scheduled sync");
            let again = state.now() + ERROR_PAUSE;
            next = Some(next.map_or(again, |next| next.min(again)));
        }
    }
    Ok(next)
}

/// The time at which the next scheduled sync of a data source is due.
pub(crate) async fn next_due(state: &PullState, pull: &Pull) -> PullResult<Option<DateTime<Utc>>> {
    let Ok(settings) = PullSettings::of(pull) else {
        return Ok(None);
    };
    let started_at = state
        .engine
        .jobs(Some(&pull.data_source), Some(JOB_KIND), 1)
        .await?
        .first()
        .map(|job| job.created_at);
    let zone = state.engine.settings().await?.timezone;
    Ok(settings.schedule.next_due(pull.updated_at, started_at, zone))
}
