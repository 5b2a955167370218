//! The past: a retained snapshot as it is, or everything computed again from the versions of
//! records that were known then.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use super::compute::compute;
use crate::catalog::SnapshotInfo;
use crate::error::{Error, Result};
use crate::model::{Past, RuleInputs};
use crate::mrr::RefreshScope;
use crate::read::Snapshot;
use crate::sessions::{StoredTables, VersionCutoff};
use crate::store::{SnapshotFiles, Store};

impl Snapshot {
    /// The snapshot of a moment; as_of is the day of the moment by default.
    pub(crate) async fn past(
        store: &Arc<Store>,
        past: Past,
        as_of: Option<NaiveDate>,
    ) -> Result<Snapshot> {
        // No snapshot loses files while this one is chosen.
        let in_use = store.pins.pin_all();
        let (before, after) = store.catalog.snapshots_at(past).await?;
        let (info, files) = match (past, before) {
            (Past::Snapshot(id), Some(found)) if found.info.id == id => (found.info, found.files),
            (Past::Snapshot(id), before) => {
                return Err(no_such_snapshot(id, before.map(|found| found.info), after));
            }
            (Past::KnownAt(_), Some(found)) => (found.info, found.files),
            (Past::KnownAt(instant), None) => {
                (before_all(store, instant, after.as_ref()).await?, Arc::default())
            }
        };
        let as_of = as_of.unwrap_or_else(|| match past {
            Past::Snapshot(_) => info.as_of,
            Past::KnownAt(instant) => instant.with_timezone(&info.settings.timezone).date_naive(),
        });
        let cutoff = cutoff(past, &info, after.as_ref());
        if info.id > 0 && info.files_kept && cutoff.received_until == 0 {
            return Snapshot::pin(store, SnapshotFiles { info, files }, as_of).await;
        }
        drop(in_use);
        computed_again(store, info, cutoff, as_of).await
    }
}

/// The versions that were known: all that were published by then. Between two retained snapshots
/// also those that were received by then, because no snapshot dates their publication.
fn cutoff(past: Past, info: &SnapshotInfo, after: Option<&SnapshotInfo>) -> VersionCutoff {
    let exact = VersionCutoff {
        last_sequence: info.last_sequence,
        received_until: 0,
        received_at: info.committed_at,
    };
    match (past, after) {
        (Past::KnownAt(instant), Some(after)) if after.id > info.id + 1 => VersionCutoff {
            received_until: after.first_sequence - 1,
            received_at: instant,
            ..exact
        },
        _ => exact,
    }
}

async fn computed_again(
    store: &Arc<Store>,
    info: SnapshotInfo,
    cutoff: VersionCutoff,
    as_of: NaiveDate,
) -> Result<Snapshot> {
    let (newest, in_use) = store.pinned_for_reading().await?;
    let moment = RuleInputs { settings: info.settings.clone(), as_of };
    let mut tables: StoredTables = store.tables(&newest)?.records_by(cutoff);
    let pinned = SnapshotFiles { info, files: Arc::default() };
    let computed = compute(store, &pinned, &moment, RefreshScope::All, &mut tables).await?;
    Ok(Snapshot::of(store, &pinned, moment, &tables, Some(computed), in_use))
}

/// Stands for the snapshots before the first retained one, in which nothing is published. A change
/// of settings is always retained, with the snapshot before it.
async fn before_all(
    store: &Store,
    instant: DateTime<Utc>,
    after: Option<&SnapshotInfo>,
) -> Result<SnapshotInfo> {
    let settings =
        after.filter(|after| after.cause != "settings").map(|after| after.settings.clone());
    let newest = store.pinned().await?.info;
    Ok(SnapshotInfo {
        id: 0,
        committed_at: instant,
        settings: settings.unwrap_or_default(),
        first_sequence: 1,
        last_sequence: 0,
        last_refresh: 0,
        ..newest
    })
}

fn no_such_snapshot(id: i64, before: Option<SnapshotInfo>, after: Option<SnapshotInfo>) -> Error {
    let near: Vec<String> = before.iter().chain(&after).map(|near| near.id.to_string()).collect();
    let near = if near.is_empty() {
        "there is none yet".to_string()
    } else {
        format!("near it are {}", near.join(" and "))
    };
    Error::Argument(format!(
        "snapshot {id} is not kept; {near}; ask for what was known at an instant instead"
    ))
}
