//! Publication: new files become a snapshot, together with the movements of the customers they
//! change.

use arrow::array::RecordBatch;
use tokio_util::sync::CancellationToken;

use crate::core::{Core, Pinned};
use crate::error::{Error, Result};
use crate::model::ObjectType;
use crate::mrr::{Changed, Customers, Moment, Refresh, Refusing, refresh};
use crate::query::{RawTables, parquet_table};
use crate::store::{DataFile, NewFile, SnapshotInfo, Table};

const CUSTOMERS_ON_PLANS: &str = include_str!("../sql/refresh/customers_on_plans.sql");
const FAILURES: &str = include_str!("../sql/refresh/failures.sql");
const STALE_CUSTOMERS: &str = include_str!("../sql/refresh/stale_customers.sql");

/// With fewer customers than this a few changed ones do not make it worth to compute everyone.
const CUSTOMERS_FEW: u64 = 256;

/// What a snapshot adds to the one before it.
#[derive(Debug, Default)]
pub(crate) struct Addition {
    pub(crate) cause: &'static str,
    /// Files of records and of the id index, durable.
    pub(crate) files: Vec<NewFile>,
    /// Whom the records name or leave; who is on a changed plan is found out.
    pub(crate) changed: Customers,
    /// The sequences of its rows.
    pub(crate) first_sequence: i64,
    pub(crate) last_sequence: i64,
    pub(crate) data_sources: Vec<String>,
    /// The requests up to this sequence are in its files.
    pub(crate) inbox_until: i64,
    /// Gives it up when it is canceled before it is committed.
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
    core: &Core,
    pinned: &Pinned,
    mut addition: Addition,
) -> Result<SnapshotInfo> {
    let mut commit = core.next_commit(pinned, addition.cause);
    commit.snapshot.first_sequence = addition.first_sequence;
    commit.snapshot.last_sequence = addition.last_sequence.max(pinned.info.last_sequence);
    commit.snapshot.last_refresh += 1;
    let moment =
        Moment { settings: commit.snapshot.settings.clone(), as_of: commit.snapshot.as_of };
    let canceled = addition.canceled.clone();
    // A refresh that is dropped removes what it has written.
    let refreshing =
        refresh_changed(core, pinned, &mut addition, moment, commit.snapshot.last_refresh);
    let refreshed = canceled.run_until_cancelled(refreshing).await.unwrap_or(Err(Error::Canceled));
    let refreshed = refreshed.and_then(|refreshed| {
        if canceled.is_cancelled() { Err(Error::Canceled) } else { Ok(refreshed) }
    });
    let refreshed = match refreshed {
        Ok(refreshed) => refreshed,
        Err(error) => {
            core.give_up(&addition.files)?;
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
    core.commit(commit).await
}

/// Whether nothing is computed yet, so that whoever changes, everyone is computed.
pub(crate) fn computes_everyone(pinned: &Pinned) -> bool {
    pinned.files.iter().all(|file| file.table != Table::Refreshes)
}

/// The ids of the files of a snapshot's precomputed tables.
pub(crate) fn precomputed_files(pinned: &Pinned) -> Vec<i64> {
    pinned
        .files
        .iter()
        .filter(|file| Table::PRECOMPUTED.contains(&file.table))
        .map(|file| file.id)
        .collect()
}

/// The precomputed rows of the changed customers, or of everyone.
struct Refreshed {
    everyone: bool,
    files: Vec<NewFile>,
}

async fn refresh_changed(
    core: &Core,
    pinned: &Pinned,
    addition: &mut Addition,
    moment: Moment,
    number: i64,
) -> Result<Refreshed> {
    let mut tables = core.tables(pinned)?;
    tables.add(&core.directory, &addition.files);
    let is_first = computes_everyone(pinned);
    if !is_first {
        find_others(core, pinned, addition, &tables, &moment).await?;
    }
    let customers = tables.rows(Table::Records(ObjectType::Customers));
    let everyone = is_first || addition.changed.len() as u64 * 2 > customers.max(CUSTOMERS_FEW);
    if !everyone && addition.changed.is_empty() {
        return Ok(Refreshed { everyone, files: Vec::new() });
    }
    let changed = if everyone { Changed::All } else { Changed::Some(addition.changed.clone()) };
    // An import is refused whole; what was acknowledged is not.
    let refusing = match addition.cause {
        "import" if is_first => Refusing::EveryoneBut(Customers::default()),
        "import" => Refusing::These(addition.changed.clone()),
        _ => Refusing::Nobody,
    };
    let work = Refresh { tables, moment, changed, refusing, number };
    let files = refresh(&work, &core.sessions, &core.directory, pinned.info.id + 1).await?;
    Ok(Refreshed { everyone, files })
}

/// Adds those whom the records do not name: who is on a changed plan, and whose result changes as
/// the day moves.
async fn find_others(
    core: &Core,
    pinned: &Pinned,
    addition: &mut Addition,
    tables: &RawTables,
    moment: &Moment,
) -> Result<()> {
    let plans = Table::Records(ObjectType::Plans);
    let changed_plans: Vec<_> = addition.files.iter().filter(|file| file.table == plans).collect();
    let paths: Vec<_> = changed_plans.iter().map(|file| core.directory.path(&file.path)).collect();
    if !paths.is_empty() {
        let context = tables.session(&core.sessions).await?;
        context.register_table("changed_plans", parquet_table(&paths, plans.schema(), &[])?)?;
        add_all(&context.sql(CUSTOMERS_ON_PLANS).await?.collect().await?, &mut addition.changed)?;
    }
    if moment.as_of != pinned.info.as_of {
        addition.changed.extend(stale_customers(core, tables, moment).await?);
    }
    Ok(())
}

/// Whose precomputed rows do not hold for a moment.
pub(crate) async fn stale_customers(
    core: &Core,
    tables: &RawTables,
    moment: &Moment,
) -> Result<Customers> {
    let context = tables.session(&core.sessions).await?;
    let stale = context.sql(STALE_CUSTOMERS).await?.with_param_values(moment.parameters())?;
    let mut customers = Customers::default();
    add_all(&stale.collect().await?, &mut customers)?;
    Ok(customers)
}

/// The customers whose precomputed rows came with a snapshot after this one.
pub(crate) async fn customers_refreshed_since(
    core: &Core,
    pinned: &Pinned,
    before: &Pinned,
) -> Result<Customers> {
    let is_newer =
        |file: &&DataFile| file.table == Table::Refreshes && file.begin_snapshot > before.info.id;
    let newer = pinned
        .files
        .iter()
        .filter(is_newer)
        .map(|file| core.directory.path(&file.path))
        .collect::<Vec<_>>();
    let context = core.sessions.parallel()?;
    let refreshed = context.read_table(parquet_table(&newer, Table::Refreshes.schema(), &[])?)?;
    let mut customers = Customers::default();
    add_all(&refreshed.collect().await?, &mut customers)?;
    Ok(customers)
}

/// Who cannot be computed.
pub(crate) async fn failing_customers(core: &Core, tables: &RawTables) -> Result<Customers> {
    let context = tables.session(&core.sessions).await?;
    let mut customers = Customers::default();
    add_all(&context.sql(FAILURES).await?.collect().await?, &mut customers)?;
    Ok(customers)
}

fn add_all(batches: &[RecordBatch], customers: &mut Customers) -> Result<()> {
    batches.iter().try_for_each(|batch| customers.add(batch, "customer_id"))
}
