//! Publication: new files become a snapshot, together with the movements of the customers they
//! change.

use tokio_util::sync::CancellationToken;

use crate::catalog::SnapshotInfo;
use crate::error::{Error, Result};
use crate::files::{Layer, NewFile};
use crate::model::ObjectType;
use crate::model::RuleInputs;
use crate::mrr::{Customers, FailurePolicy, Refresh, RefreshScope, refresh};
use crate::mrr::{add_all, stale_customers};
use crate::sessions::StoredTables;
use crate::store::{SnapshotFiles, Store};
use crate::tables::Table;

const CUSTOMERS_ON_PLANS: &str = include_str!("../../sql/refresh/customers_on_plans.sql");

/// With fewer customers than this, a few changed ones are computed alone.
const CUSTOMERS_FEW: u64 = 256;

/// The additions of a snapshot to the one before it.
#[derive(Debug, Default)]
pub(crate) struct Addition {
    pub(crate) cause: &'static str,
    /// Files of records and of the id index, durable.
    pub(crate) files: Vec<NewFile>,
    /// The customers that the records name or leave; `publish` adds those on a changed plan.
    pub(crate) changed: Customers,
    /// The sequences of its rows.
    pub(crate) first_sequence: i64,
    pub(crate) last_sequence: i64,
    pub(crate) data_sources: Vec<String>,
    /// The requests up to this sequence are in its files.
    pub(crate) inbox_until: i64,
    /// Cancels the publication before its commit.
    pub(crate) canceled: CancellationToken,
}

impl Addition {
    pub(crate) fn new(cause: &'static str) -> Addition {
        Addition { cause, ..Addition::default() }
    }
}

/// Computes the changed customers with the new files in place, and commits records and movements
/// together.
pub(crate) async fn publish(
    store: &Store,
    pinned: &SnapshotFiles,
    mut addition: Addition,
) -> Result<SnapshotInfo> {
    let mut commit = store.next_commit(pinned, addition.cause);
    commit.snapshot.first_sequence = addition.first_sequence;
    commit.snapshot.last_sequence = addition.last_sequence.max(pinned.info.last_sequence);
    commit.snapshot.last_refresh += 1;
    let moment =
        RuleInputs { settings: commit.snapshot.settings.clone(), as_of: commit.snapshot.as_of };
    let canceled = addition.canceled.clone();
    // A refresh that is dropped removes what it has written.
    let refreshing =
        refresh_changed(store, pinned, &mut addition, moment, commit.snapshot.last_refresh);
    let refreshed = canceled.run_until_cancelled(refreshing).await.unwrap_or(Err(Error::Canceled));
    let refreshed = refreshed.and_then(|refreshed| {
        if canceled.is_cancelled() { Err(Error::Canceled) } else { Ok(refreshed) }
    });
    let refreshed = match refreshed {
        Ok(refreshed) => refreshed,
        Err(error) => {
            store.give_up(&addition.files)?;
            return Err(error);
        }
    };
    if refreshed.everyone {
        commit.replaced_files = precomputed_files(pinned);
    }
    commit.files = addition.files;
    commit.files.extend(refreshed.files);
    commit.data_sources = addition.data_sources;
    commit.inbox_until = addition.inbox_until;
    store.commit(commit).await
}

/// Whether nothing is computed yet, so that any change computes all customers.
pub(crate) fn computes_everyone(pinned: &SnapshotFiles) -> bool {
    pinned.files.iter().all(|file| file.table != Table::Refreshes)
}

/// The ids of the files of a snapshot's precomputed tables.
pub(crate) fn precomputed_files(pinned: &SnapshotFiles) -> Vec<i64> {
    pinned
        .files
        .iter()
        .filter(|file| Table::PRECOMPUTED.contains(&file.table))
        .map(|file| file.id)
        .collect()
}

/// The precomputed rows of the changed customers, or of all.
struct RefreshedFiles {
    everyone: bool,
    files: Vec<NewFile>,
}

async fn refresh_changed(
    store: &Store,
    pinned: &SnapshotFiles,
    addition: &mut Addition,
    moment: RuleInputs,
    number: i64,
) -> Result<RefreshedFiles> {
    let mut tables = store.tables(pinned)?;
    tables.add(&store.directory, &addition.files);
    let is_first = computes_everyone(pinned);
    if !is_first {
        find_others(store, pinned, addition, &tables, &moment).await?;
    }
    let customers = tables.rows(Table::Records(ObjectType::Customers));
    let everyone = is_first || addition.changed.len() as u64 * 2 > customers.max(CUSTOMERS_FEW);
    if !everyone && addition.changed.is_empty() {
        return Ok(RefreshedFiles { everyone, files: Vec::new() });
    }
    let changed =
        if everyone { RefreshScope::All } else { RefreshScope::Some(addition.changed.clone()) };
    // An import is refused whole; acknowledged rows are not.
    let refusing = match addition.cause {
        "import" if is_first => FailurePolicy::AllBut(Customers::default()),
        "import" => FailurePolicy::These(addition.changed.clone()),
        _ => FailurePolicy::LeaveOut,
    };
    let work = Refresh { tables, moment, changed, refusing, number };
    let files = refresh(&work, &store.rules, &store.directory, pinned.info.id + 1).await?;
    Ok(RefreshedFiles { everyone, files })
}

/// Adds the customers that the records do not name: those on a changed plan, and those whose result
/// changes with the day.
async fn find_others(
    store: &Store,
    pinned: &SnapshotFiles,
    addition: &mut Addition,
    tables: &StoredTables,
    moment: &RuleInputs,
) -> Result<()> {
    let plans = Table::Records(ObjectType::Plans);
    let changed: Vec<NewFile> =
        addition.files.iter().filter(|file| file.table == plans).cloned().collect();
    if !changed.is_empty() {
        let context = tables.session(&store.sessions).await?;
        let mut changed_plans = StoredTables::default();
        changed_plans.add(&store.directory, &changed);
        let changed_plans = changed_plans.stored(&context, plans, &Layer::ALL)?;
        context.register_table("changed_plans", changed_plans.into_view())?;
        add_all(&context.sql(CUSTOMERS_ON_PLANS).await?.collect().await?, &mut addition.changed)?;
    }
    if moment.as_of != pinned.info.as_of {
        addition.changed.extend(stale_customers(&store.sessions, tables, moment).await?);
    }
    Ok(())
}
