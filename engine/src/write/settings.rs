//! A change of settings: everything is computed with the new ones beside the work that goes on,
//! then takes the place of the old.

use tokio::sync::Mutex;

use super::publish::precomputed_files;
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

/// The wanted settings, when the newest snapshot has others.
pub(crate) async fn to_apply(store: &Store) -> Result<Option<Settings>> {
    let Some(wanted) = store.catalog.wanted_settings().await? else { return Ok(None) };
    let newest = store.pinned().await?;
    Ok(Some(wanted).filter(|wanted| *wanted != newest.info.settings))
}

/// Recomputes what follows from the wanted settings and publishes it. `publishing` is held only at
/// the end; meanwhile nothing may be compacted.
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
            // Everyone was computed meanwhile: who has no rows now may have some in what was
            // computed here.
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

/// Whether numbers follow from the difference; the base currency is for reporting only.
fn recomputes(wanted: &Settings, before: &Settings) -> bool {
    let numbers = |settings: &Settings| Settings { base_currency: None, ..settings.clone() };
    numbers(wanted) != numbers(before)
}

/// The precomputed tables under other settings.
struct Computed {
    moment: RuleInputs,
    files: Vec<NewFile>,
}

/// Computes everyone as of today with the wanted settings. Publications may go on.
async fn compute(store: &Store, before: &SnapshotFiles, wanted: &Settings) -> Result<Computed> {
    let moment = RuleInputs { settings: wanted.clone(), as_of: store.today(wanted) };
    let tables = store.tables(before)?;
    // Settings under which a customer cannot be computed are refused.
    let refusing = FailurePolicy::EveryoneBut(failing_customers(&store.sessions, &tables).await?);
    let work = Refresh {
        tables,
        moment: moment.clone(),
        changed: RefreshScope::All,
        refusing,
        number: before.info.last_refresh + 1,
    };
    let files = refresh(&work, &store.rules, &store.directory, before.info.id + 1).await?;
    Ok(Computed { moment, files })
}

/// Publishes it, with the customers of publications since recomputed. The caller holds the right to
/// publish.
async fn publish(
    store: &Store,
    pinned: &SnapshotFiles,
    before: &SnapshotFiles,
    wanted: Settings,
    computed: Computed,
) -> Result<()> {
    let Computed { moment, mut files } = computed;
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

/// Computes those who were computed with the old settings meanwhile.
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
    let work = Refresh { tables, moment, changed, refusing: FailurePolicy::Nobody, number };
    refresh(&work, &store.rules, &store.directory, pinned.info.id + 1).await
}

/// Publishes settings from which no number follows. The caller holds the right to publish.
async fn publish_label(store: &Store, wanted: Settings) -> Result<()> {
    let pinned = store.pinned().await?;
    let mut commit = store.next_commit(&pinned, "settings");
    commit.snapshot.settings = wanted;
    // What is stored stays as it was computed.
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
