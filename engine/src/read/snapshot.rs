//! A snapshot: every table at one moment, for reports and SQL.

mod past;
mod portable;
mod records;

use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::reports;
use crate::catalog::At;
use crate::error::Result;
use crate::model::RuleInputs;
use crate::model::Settings;
use crate::mrr::stale_customers;
use crate::mrr::{FailurePolicy, Refresh, RefreshScope, refresh};
use crate::read::public_tables::public_tables;
use crate::read::reports::{LivesQuery, MovementsQuery, MrrQuery};
use crate::read::sql::{Plans, read_only};
use crate::sessions::{Sessions, StoredTables};
use crate::store::{SnapshotFiles, SnapshotPin, Store};

pub use portable::PortableSnapshot;
use records::IdIndex;
pub use records::RecordsQuery;

/// Everything at one catalog version, as of one day. Later writes are not visible.
///
/// A snapshot is a list of files. Its public tables are planned when they are first read: a server
/// that sends the snapshot to another process never plans them.
pub struct Snapshot {
    content: Content,
    public: OnceCell<SessionContext>,
}

/// What a snapshot is made of.
#[derive(Clone)]
struct Content {
    id: i64,
    last_sequence: i64,
    moment: RuleInputs,
    tables: StoredTables,
    sessions: Sessions,
    /// Only rows of these data sources are seen.
    only: Option<Arc<[String]>>,
    index: Option<IdIndex>,
    plans: Plans,
    held: Arc<Held>,
}

/// What has to stay while rows are read, also those of a stream that outlives its snapshot.
struct Held {
    /// Rows computed for this snapshot alone.
    _computed: Option<TempDir>,
    /// None in another process than the one that has the files in use.
    _in_use: Option<SnapshotPin>,
}

impl Snapshot {
    /// The newest snapshot.
    pub(crate) async fn newest(store: &Arc<Store>, as_of: Option<NaiveDate>) -> Result<Snapshot> {
        let (pinned, _in_use) = store.pinned_for_reading().await?;
        let as_of = as_of.unwrap_or_else(|| store.today(&pinned.info.settings));
        Snapshot::pin(store, pinned, as_of).await
    }

    /// A moment of the past.
    pub(crate) async fn past(
        store: &Arc<Store>,
        at: At,
        as_of: Option<NaiveDate>,
    ) -> Result<Snapshot> {
        past::snapshot(store, at, as_of).await
    }

    /// A snapshot whose files are there.
    async fn pin(store: &Arc<Store>, pinned: SnapshotFiles, as_of: NaiveDate) -> Result<Snapshot> {
        let in_use = SnapshotPin::new(store, pinned.info.id);
        let moment = RuleInputs { settings: pinned.info.settings.clone(), as_of };
        let mut tables = store.tables(&pinned)?;
        let computed = if as_of == pinned.info.as_of {
            None
        } else {
            compute_stale_customers(store, &pinned, &moment, &mut tables).await?
        };
        Ok(Snapshot::of(store, &pinned, moment, &tables, computed, in_use))
    }

    fn of(
        store: &Arc<Store>,
        pinned: &SnapshotFiles,
        moment: RuleInputs,
        tables: &StoredTables,
        computed: Option<TempDir>,
        in_use: SnapshotPin,
    ) -> Snapshot {
        let held = Arc::new(Held { _computed: computed, _in_use: Some(in_use) });
        Snapshot::open(Content {
            id: pinned.info.id,
            last_sequence: pinned.info.last_sequence,
            moment,
            tables: tables.public_only(),
            sessions: store.sessions.clone(),
            only: None,
            index: tables.are_of_the_present().then(|| IdIndex::new(store, pinned)),
            plans: Plans::Shown,
            held,
        })
    }

    fn open(content: Content) -> Snapshot {
        Snapshot { content, public: OnceCell::new() }
    }

    /// A session with the public tables.
    async fn public(&self) -> Result<&SessionContext> {
        let Content { tables, sessions, moment, only, .. } = &self.content;
        let plan = || public_tables(tables, sessions, moment, only.as_deref());
        self.public.get_or_try_init(plan).await
    }

    /// The same snapshot with only the rows of these data sources. Restricted twice, it has the
    /// rows of the data sources in both lists.
    pub fn restricted_to(&self, data_sources: &[String]) -> Snapshot {
        let is_seen = |source: &&String| self.content.sees(source);
        let only = data_sources.iter().filter(is_seen).cloned().collect();
        Snapshot::open(Content { only: Some(only), ..self.content.clone() })
    }

    /// The catalog version; 0 before the first write.
    pub fn id(&self) -> i64 {
        self.content.id
    }

    /// Everything that was acknowledged up to this sequence is in it; see
    /// [`crate::push::Pushed::sequence`].
    pub fn last_sequence(&self) -> i64 {
        self.content.last_sequence
    }

    /// The day that movements are known up to.
    pub fn as_of(&self) -> NaiveDate {
        self.content.moment.as_of
    }

    /// The settings the numbers were computed with.
    pub fn settings(&self) -> &Settings {
        &self.content.moment.settings
    }

    /// The movements, ordered by date, data source, customer and currency.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn movements(&self, query: &MovementsQuery) -> Result<SendableRecordBatchStream> {
        Ok(self.holding(reports::movements(self.public().await?, query).await?))
    }

    /// When customers began to pay, when that last changed, and what they pay now, ordered by data
    /// source, customer and currency.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn lives(&self, query: &LivesQuery) -> Result<SendableRecordBatchStream> {
        Ok(self.holding(reports::lives(self.public().await?, query).await?))
    }

    /// MRR by period and currency: opening, movements by type, closing.
    ///
    /// # Errors
    /// When the store cannot be read, or there are more than [`reports::PERIODS_MAX`] periods.
    pub async fn mrr(&self, query: &MrrQuery) -> Result<SendableRecordBatchStream> {
        Ok(self.holding(reports::mrr(self.public().await?, query, self.as_of()).await?))
    }

    /// Runs one read-only SQL statement over the public tables.
    ///
    /// # Errors
    /// When the statement is wrong, or is more than a query.
    pub async fn sql(&self, sql: &str) -> Result<SendableRecordBatchStream> {
        Ok(self.holding(read_only(self.public().await?, sql, self.content.plans).await?))
    }

    /// The same rows; what they are read from stays until they are.
    fn holding(&self, rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
        let held = Arc::clone(&self.content.held);
        let schema = rows.schema();
        let rows = rows.inspect(move |_| {
            let _ = &held;
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }
}

impl Content {
    /// Whether rows of a data source are seen.
    fn sees(&self, data_source: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|seen| seen == data_source))
    }
}

/// Computes the customers whose stored rows do not hold for the moment, and lays them over the
/// stored ones.
async fn compute_stale_customers(
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
async fn compute(
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
        refusing: FailurePolicy::Nobody,
        number,
    };
    let files = refresh(&work, &store.rules, &directory, pinned.info.id).await?;
    tables.add(&directory, &files);
    Ok(dir)
}
