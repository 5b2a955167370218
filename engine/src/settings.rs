//! A change of settings: everything is computed with the new ones beside the work that goes on,
//! then takes the place of the old.

use tokio::sync::Mutex;

use crate::core::{Core, Pinned};
use crate::error::Result;
use crate::model::Settings;
use crate::mrr::{Changed, Moment, Refresh, Refusing, refresh};
use crate::publish::{customers_refreshed_since, failing_customers, precomputed_files};
use crate::store::{DataFile, Layer, NewFile, Table};

/// The wanted settings, when the newest snapshot has others.
pub(crate) async fn to_apply(core: &Core) -> Result<Option<Settings>> {
    let Some(wanted) = core.catalog.wanted_settings().await? else { return Ok(None) };
    let newest = core.pinned().await?;
    Ok(Some(wanted).filter(|wanted| *wanted != newest.info.settings))
}

/// Recomputes what follows from the wanted settings and publishes it. `publishing` is held only at
/// the end; meanwhile nothing may be compacted.
pub(crate) async fn apply(core: &Core, publishing: &Mutex<()>) -> Result<()> {
    while let Some(wanted) = to_apply(core).await? {
        let before = core.pinned().await?;
        if !recomputes(&wanted, &before.info.settings) {
            let _publishing = publishing.lock().await;
            return publish_label(core, wanted).await;
        }
        let computed = compute(core, &before, &wanted).await?;
        let _publishing = publishing.lock().await;
        let pinned = core.pinned().await?;
        if has_another_base(&pinned, &before) {
            // Everyone was computed meanwhile: who has no rows now may have some in what was
            // computed here.
            core.give_up(&computed.files)?;
            continue;
        }
        return publish(core, &pinned, &before, wanted, computed).await;
    }
    Ok(())
}

/// Whether precomputed files of the base were replaced.
fn has_another_base(pinned: &Pinned, before: &Pinned) -> bool {
    let is_base =
        |file: &&DataFile| file.layer == Layer::Base && Table::PRECOMPUTED.contains(&file.table);
    let bases =
        |of: &Pinned| of.files.iter().filter(is_base).map(|file| file.id).collect::<Vec<_>>();
    bases(pinned) != bases(before)
}

/// Whether numbers follow from the difference; the base currency is for reporting only.
fn recomputes(wanted: &Settings, before: &Settings) -> bool {
    let numbers = |settings: &Settings| Settings { base_currency: None, ..settings.clone() };
    numbers(wanted) != numbers(before)
}

/// The precomputed tables under other settings.
struct Computed {
    moment: Moment,
    files: Vec<NewFile>,
}

/// Computes everyone as of today with the wanted settings. Publications may go on.
async fn compute(core: &Core, before: &Pinned, wanted: &Settings) -> Result<Computed> {
    let moment = Moment { settings: wanted.clone(), as_of: core.today(wanted) };
    let tables = core.tables(before)?;
    // Settings under which a customer cannot be computed are refused.
    let refusing = Refusing::EveryoneBut(failing_customers(core, &tables).await?);
    let work = Refresh {
        tables,
        moment: moment.clone(),
        changed: Changed::All,
        refusing,
        number: before.info.last_refresh + 1,
    };
    let files = refresh(&work, &core.sessions, &core.directory, before.info.id + 1).await?;
    Ok(Computed { moment, files })
}

/// Publishes it, with the customers of publications since recomputed. The caller holds the right to
/// publish.
async fn publish(
    core: &Core,
    pinned: &Pinned,
    before: &Pinned,
    wanted: Settings,
    computed: Computed,
) -> Result<()> {
    let Computed { moment, mut files } = computed;
    let mut commit = core.next_commit(pinned, "settings");
    commit.snapshot.settings = wanted;
    commit.snapshot.as_of = moment.as_of;
    commit.snapshot.last_refresh = pinned.info.last_refresh + 2;
    match compute_since(core, pinned, before, &moment, commit.snapshot.last_refresh).await {
        Ok(since) => files.extend(since),
        Err(error) => {
            core.give_up(&files)?;
            return Err(error);
        }
    }
    commit.replaced_files = precomputed_files(pinned);
    commit.files = files;
    core.commit(commit).await.map(|_| ())
}

/// Computes those who were computed with the old settings meanwhile.
async fn compute_since(
    core: &Core,
    pinned: &Pinned,
    before: &Pinned,
    moment: &Moment,
    number: i64,
) -> Result<Vec<NewFile>> {
    let since = customers_refreshed_since(core, pinned, before).await?;
    if since.is_empty() {
        return Ok(Vec::new());
    }
    let (tables, moment, changed) = (core.tables(pinned)?, moment.clone(), Changed::Some(since));
    let work = Refresh { tables, moment, changed, refusing: Refusing::Nobody, number };
    refresh(&work, &core.sessions, &core.directory, pinned.info.id + 1).await
}

/// Publishes settings from which no number follows. The caller holds the right to publish.
async fn publish_label(core: &Core, wanted: Settings) -> Result<()> {
    let pinned = core.pinned().await?;
    let mut commit = core.next_commit(&pinned, "settings");
    commit.snapshot.settings = wanted;
    // What is stored stays as it was computed.
    commit.snapshot.as_of = pinned.info.as_of;
    core.commit(commit).await.map(|_| ())
}
