//! Verification: runs every check, recomputes everything from the records and compares it row by
//! row.

mod order;
mod versions;

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::prelude::SessionContext;

use crate::error::{Error, Result};
use crate::mrr::{FailurePolicy, Refresh, RefreshScope, refresh};
use crate::sessions::StoredTables;
use crate::store::{SnapshotFiles, Store};
use crate::tables::Table;

/// A check is a query that must return no rows.
const CHECKS: [(&str, &str); 12] = [
    ("sequences_are_unique", include_str!("../../sql/checks/sequences_are_unique.sql")),
    ("one_current_version", include_str!("../../sql/checks/one_current_version.sql")),
    ("nothing_is_lost", include_str!("../../sql/checks/nothing_is_lost.sql")),
    ("base_is_final", include_str!("../../sql/checks/base_is_final.sql")),
    ("versions_take_places", include_str!("../../sql/checks/versions_take_places.sql")),
    ("index_is_of_the_records", include_str!("../../sql/checks/index_is_of_the_records.sql")),
    ("results_have_a_refresh", include_str!("../../sql/checks/results_have_a_refresh.sql")),
    ("movements_add_up", include_str!("../../sql/checks/movements_add_up.sql")),
    ("movements_alternate", include_str!("../../sql/checks/movements_alternate.sql")),
    ("churn_ends_at_zero", include_str!("../../sql/checks/churn_ends_at_zero.sql")),
    ("one_movement_a_day", include_str!("../../sql/checks/one_movement_a_day.sql")),
    ("lines_make_movements", include_str!("../../sql/checks/lines_make_movements.sql")),
];

const DIFFERENCES: [(&str, &str); 3] = [
    ("rebuilt_movements", include_str!("../../sql/checks/rebuilt_movements.sql")),
    ("rebuilt_lines", include_str!("../../sql/checks/rebuilt_lines.sql")),
    ("rebuilt_decisions", include_str!("../../sql/checks/rebuilt_decisions.sql")),
];

/// The result of a verification.
#[derive(Debug, Clone, Default)]
pub struct Verification {
    /// The names of the checks and comparisons that ran.
    pub checks: Vec<&'static str>,
    /// Each one that failed, with its rows.
    pub failures: Vec<(&'static str, Vec<RecordBatch>)>,
}

impl Verification {
    /// Whether every check passed.
    pub fn holds(&self) -> bool {
        self.failures.is_empty()
    }

    async fn run(&mut self, context: &SessionContext, name: &'static str, sql: &str) -> Result<()> {
        self.note(name, context.sql(sql).await?.collect().await?);
        Ok(())
    }

    fn note(&mut self, name: &'static str, rows: Vec<RecordBatch>) {
        self.checks.push(name);
        let rows: Vec<_> = rows.into_iter().filter(|batch| batch.num_rows() > 0).collect();
        if !rows.is_empty() {
            self.failures.push((name, rows));
        }
    }
}

/// Reads every file on a thread of its own.
async fn sorted_files(store: &Arc<Store>, pinned: &SnapshotFiles) -> Result<Vec<RecordBatch>> {
    let (store, pinned) = (Arc::clone(store), pinned.clone());
    let reading = tokio::task::spawn_blocking(move || order::unsorted_files(&store, &pinned));
    reading.await.map_err(|error| Error::Internal(format!("read the files: {error}")))?
}

pub(crate) async fn verify(store: &Arc<Store>, pinned: &SnapshotFiles) -> Result<Verification> {
    let stored = store.tables(pinned)?;
    let moment = pinned.moment();
    let (_scratch, directory) = store.scratch()?;
    let work = Refresh {
        tables: stored.records_only(),
        moment,
        changed: RefreshScope::All,
        refusing: FailurePolicy::LeaveOut,
        number: 1,
    };
    let mut rebuilt = StoredTables::default();
    rebuilt.add(&directory, &refresh(&work, &store.rules, &directory, pinned.info.id).await?);

    let mut verification = Verification::default();
    verification.note("files_are_sorted", sorted_files(store, pinned).await?);
    let context = stored.session(&store.sessions).await?;
    versions::register(&context, store, &stored).await?;
    context.register_table("all_movements", context.table("movements").await?.into_view())?;
    for (name, sql) in CHECKS {
        verification.run(&context, name, sql).await?;
    }
    for table in Table::PRECOMPUTED {
        let rows = rebuilt.current(&store.sessions, table).await?;
        context.register_table(format!("rebuilt_{}", table.name()), rows.into_view())?;
    }
    for (name, sql) in DIFFERENCES {
        verification.run(&context, name, sql).await?;
    }
    Ok(verification)
}
