//! Begins the syncs that are due by their schedules.

use chrono::{DateTime, TimeDelta, Utc};
use mrrow_engine::sources::Pull;

use super::progress::KIND;
use super::settings::PullSettings;
use super::syncs::{From, Started, start};
use crate::app::App;
use crate::error::Result;

/// When it is tried again to read the schedules.
const AGAIN_AFTER: TimeDelta = TimeDelta::minutes(1);

/// Begins syncs when they are due, until the server stops.
pub(crate) async fn keep_schedules(app: App) {
    let tick = app.config.limits.pull.schedule_tick;
    // What was missed while no server ran is due at once.
    let mut next = Some(app.now());
    loop {
        if next.is_some_and(|next| next <= app.now()) {
            next = begin_due(&app).await.unwrap_or_else(|error| {
                tracing::error!(error = error.message, "look for scheduled syncs");
                Some(app.now() + AGAIN_AFTER)
            });
        }
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = app.pulls.changed.notified() => next = Some(app.now()),
            // The engine's clock is not the one that sleeps.
            () = tokio::time::sleep(tick) => {}
        }
    }
}

/// Begins every sync that is due, and returns when the next one is.
async fn begin_due(app: &App) -> Result<Option<DateTime<Utc>>> {
    let mut next: Option<DateTime<Utc>> = None;
    for pull in app.engine.pulls().await? {
        let Some(due) = due(app, &pull).await? else { continue };
        // Its end is told.
        if app.pulls.watch(&pull.data_source).is_some() {
            continue;
        }
        if due > app.now() {
            next = Some(next.map_or(due, |next| next.min(due)));
            continue;
        }
        match start(app, &pull.data_source, From::Beginning).await {
            Ok(Started::Begun(_) | Started::AtWork(_)) => {}
            Err(error) => {
                tracing::error!(
                    error = error.message,
                    data_source = pull.data_source,
                    "begin a scheduled sync"
                );
                let again = app.now() + AGAIN_AFTER;
                next = Some(next.map_or(again, |next| next.min(again)));
            }
        }
    }
    Ok(next)
}

/// When the next sync of a data source is due.
pub(crate) async fn due(app: &App, pull: &Pull) -> Result<Option<DateTime<Utc>>> {
    let Ok(settings) = serde_json::from_value::<PullSettings>(pull.settings.clone()) else {
        return Ok(None);
    };
    let begun_at = app
        .engine
        .jobs(Some(&pull.data_source), Some(KIND), 1)
        .await?
        .first()
        .map(|job| job.created_at);
    let zone = app.engine.settings().await?.timezone;
    Ok(settings.schedule.due(pull.updated_at, begun_at, zone))
}
