//! Rows that are computed for one snapshot, over the stored ones.

use tempfile::TempDir;

use crate::error::Result;
use crate::model::RuleInputs;
use crate::mrr::{FailurePolicy, Refresh, RefreshScope, refresh, stale_customers};
use crate::sessions::StoredTables;
use crate::store::{SnapshotFiles, Store};

/// Computes the customers whose stored rows do not hold for the moment.
pub(super) async fn compute_stale_customers(
    store: &Store,
    pinned: &SnapshotFiles,
    moment: &RuleInputs,
    tables: &mut StoredTables,
) -> Result<Option<TempDir>> {
    let stale = stale_customers(&store.sessions, tables, moment).await?;
    if stale.is_empty() {
        return Ok(None);
    }
    compute(store, pinned, moment, RefreshScope::Some(stale), tables).await.map(Some)
}

/// Computes customers into a directory that lives as long as the snapshot.
pub(super) async fn compute(
    store: &Store,
    pinned: &SnapshotFiles,
    moment: &RuleInputs,
    changed: RefreshScope,
    tables: &mut StoredTables,
) -> Result<TempDir> {
    let (dir, directory) = store.scratch()?;
    let number = pinned.info.last_refresh + 1;
    let work = Refresh {
        tables: tables.clone(),
        moment: moment.clone(),
        changed,
        refusing: FailurePolicy::LeaveOut,
        number,
    };
    let files = refresh(&work, &store.rules, &directory, pinned.info.id).await?;
    tables.add(&directory, &files);
    Ok(dir)
}
