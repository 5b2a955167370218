//! Jobs: long work for a data source, and how far it has come.

use chrono::TimeDelta;

use crate::error::Result;
use crate::model::Job;
use crate::store::Store;

/// How long a job that is over is retained in any case.
const RETAINED: TimeDelta = TimeDelta::days(90);

/// The newest jobs of a data source and kind, which are retained for longer.
const NEWEST_RETAINED: u32 = 100;

/// Writes a job as it is now, and deletes those that were over long ago.
pub(crate) async fn save(store: &Store, job: &Job) -> Result<()> {
    store.catalog.save_job(job, store.now() - RETAINED, NEWEST_RETAINED).await
}
