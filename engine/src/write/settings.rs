//! A change of settings: everything is computed with the new ones beside other work, then replaces
//! the old rows.

use tokio::sync::Mutex;

use crate::error::Result;
use crate::files::{DataFile, Layer, NewFile};
use crate::model::RuleInputs;
use crate::model::Settings;
use crate::mrr::failing_customers;
use crate::mrr::{Customers, add_all};
use crate::mrr::{FailurePolicy, Refresh, RefreshScope, refresh};
use crate::sessions::StoredTables;
use crate::store::{SnapshotFiles, Store};
use crate::tables::Table;
use crate::write::publish::precomputed_files;

/// Changes some settings, all or none, and returns those before it.
pub(crate) async fn change(store: &Store, changes: &[(&str, &str)]) -> Result<Settings> {
    let owned: Vec<(String, String)> =
        changes.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let change = move |settings: &mut Settings| {
        owned.iter().try_for_each(|(name, value)| Ok(settings.set(name, value)?))
    };
    let before = store.catalog.change_settings(change).await?;
    store.lookups.invalidate();
    Ok(before)
}

/// Sets settings that could not be applied to those before, unless they were set again meanwhile.
pub(crate) async fn take_back(
    store: &Store,
    changes: &[(&str, &str)],
    before: &Settings,
) -> Result<()> {
    for (name, value) in changes {
        let before = before.get(name)?;
        let mut refused = Settings::default();
        refused.set(name, value)?;
        let refused = refused.get(name)?;
        let name = name.to_string();
        let take_back = move |settings: &mut Settings| match settings.get(&name)? == refused {
            true => Ok(settings.set(&name, &before)?),
            false => Ok(()),
        };
        store.catalog.change_settings(take_back).await?;
    }
    Ok(())
}

/// The wanted settings, when the newest snapshot has others.
pub(crate) async fn to_apply(store: &Store) -> Result<Option<Settings>> {
    let Some(wanted) = store.catalog.wanted_settings().await? else { return Ok(None) };
    let newest = store.pinned().await?;
    Ok(Some(wanted).filter(|wanted| *wanted != newest.info.settings))
}

/// Recomputes the rows that depend on the wanted settings and publishes them. `publishing` is held
/// only at the end; meanwhile nothing may be compacted.
pub(crate) async fn apply(store: &Store, publishing: &Mutex<()>) -> Result<()> {
    while let Some(wanted) = to_apply(store).await? {
        let before = store.pinned().await?;
        if !recomputes(&wanted, &before.info.settings) {
            let _publishing = publishing.lock().await;
            return publish_label(store, wanted).await;
        }
        let computed = compute(store, &before, &wanted).await?;
        let _publishing = publishing.lock().await;
        let pinned = store.pinned().await?;
        if has_another_base(&pinned, &before) {
            // All customers were computed meanwhile: a customer without rows may have some in the
            // files that were computed here.
            store.give_up(&computed.files)?;
            continue;
        }
        return publish(store, &pinned, &before, wanted, computed).await;
    }
    Ok(())
}

/// Whether precomputed files of the base were replaced.
fn has_another_base(pinned: &SnapshotFiles, before: &SnapshotFiles) -> bool {
    let is_base =
        |file: &&DataFile| file.layer == Layer::Base && Table::PRECOMPUTED.contains(&file.table);
    let bases = |of: &SnapshotFiles| {
        of.files.iter().filter(is_base).map(|file| file.id).collect::<Vec<_>>()
    };
    bases(pinned) != bases(before)
}

/// Whether numbers depend on the difference; the base currency is for reporting only.
fn recomputes(wanted: &Settings, before: &Settings) -> bool {
    let numbers = |settings: &Settings| Settings { base_currency: None, ..settings.clone() };
    numbers(wanted) != numbers(before)
}

/// The precomputed tables under other settings.
struct ComputedFiles {
    moment: RuleInputs,
    files: Vec<NewFile>,
}

/// Computes all customers as of today with the wanted settings. Publications may go on.
async fn compute(
    store: &Store,
    before: &SnapshotFiles,
    wanted: &Settings,
) -> Result<ComputedFiles> {
    let moment = RuleInputs { settings: wanted.clone(), as_of: store.today(wanted) };
    let tables = store.tables(before)?;
    // Settings under which a customer cannot be computed are refused.
    let refusing = FailurePolicy::AllBut(failing_customers(&store.sessions, &tables).await?);
    let work = Refresh {
        tables,
        moment: moment.clone(),
        changed: RefreshScope::All,
        refusing,
        number: before.info.last_refresh + 1,
    };
    let files = refresh(&work, &store.rules, &store.directory, before.info.id + 1).await?;
    Ok(ComputedFiles { moment, files })
}

/// Publishes it, with the customers of later publications recomputed. The caller holds
/// `publishing`.
async fn publish(
    store: &Store,
    pinned: &SnapshotFiles,
    before: &SnapshotFiles,
    wanted: Settings,
    computed: ComputedFiles,
) -> Result<()> {
    let ComputedFiles { moment, mut files } = computed;
    let mut commit = store.next_commit(pinned, "settings");
    commit.snapshot.settings = wanted;
    commit.snapshot.as_of = moment.as_of;
    commit.snapshot.last_refresh = pinned.info.last_refresh + 2;
    match compute_since(store, pinned, before, &moment, commit.snapshot.last_refresh).await {
        Ok(since) => files.extend(since),
        Err(error) => {
            store.give_up(&files)?;
            return Err(error);
        }
    }
    commit.replaced_files = precomputed_files(pinned);
    commit.files = files;
    store.commit(commit).await.map(|_| ())
}

/// Computes the customers that were computed with the old settings meanwhile.
async fn compute_since(
    store: &Store,
    pinned: &SnapshotFiles,
    before: &SnapshotFiles,
    moment: &RuleInputs,
    number: i64,
) -> Result<Vec<NewFile>> {
    let since = customers_refreshed_since(store, pinned, before).await?;
    if since.is_empty() {
        return Ok(Vec::new());
    }
    let (tables, moment, changed) =
        (store.tables(pinned)?, moment.clone(), RefreshScope::Some(since));
    let work = Refresh { tables, moment, changed, refusing: FailurePolicy::LeaveOut, number };
    refresh(&work, &store.rules, &store.directory, pinned.info.id + 1).await
}

/// Publishes settings on which no number depends. The caller holds `publishing`.
async fn publish_label(store: &Store, wanted: Settings) -> Result<()> {
    let pinned = store.pinned().await?;
    let mut commit = store.next_commit(&pinned, "settings");
    commit.snapshot.settings = wanted;
    // The stored rows stay as they were computed.
    commit.snapshot.as_of = pinned.info.as_of;
    store.commit(commit).await.map(|_| ())
}

/// The customers whose precomputed rows came with a snapshot after this one.
async fn customers_refreshed_since(
    store: &Store,
    pinned: &SnapshotFiles,
    before: &SnapshotFiles,
) -> Result<Customers> {
    let is_newer =
        |file: &&DataFile| file.table == Table::Refreshes && file.begin_snapshot > before.info.id;
    let newer: Vec<DataFile> = pinned.files.iter().filter(is_newer).cloned().collect();
    let context = store.sessions.parallel()?;
    let newer = StoredTables::of(&store.directory, &newer)?;
    let refreshed = newer.stored(&context, Table::Refreshes, &Layer::ALL)?;
    let mut customers = Customers::default();
    add_all(&refreshed.collect().await?, &mut customers)?;
    Ok(customers)
}
