//! A snapshot: every table at one moment, for reports and SQL.

mod compute;
mod content;
mod id_lookup;
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
use crate::error::Result;
use crate::model::{RuleInputs, Settings};
use crate::read::public_tables::public_session;
use crate::read::reports::ReportRequest;
use crate::read::sql::{PlanVisibility, read_only};
use crate::sessions::StoredTables;
use crate::store::{SnapshotFiles, SnapshotPin, Store};
use compute::compute_stale_customers;
use content::{ReadResources, SnapshotContent};
use id_lookup::IdLookup;

pub use portable::PortableSnapshot;
pub use records::RecordsQuery;

/// Everything at one catalog version, as of one day. Later writes are not visible.
///
/// A snapshot is a list of files. Its public tables are planned when they are first read: a server
/// that sends the snapshot to another process never plans them.
pub struct Snapshot {
    content: SnapshotContent,
    public: OnceCell<SessionContext>,
}

impl Snapshot {
    /// The newest snapshot.
    pub(crate) async fn newest(store: &Arc<Store>, as_of: Option<NaiveDate>) -> Result<Snapshot> {
        let (pinned, _in_use) = store.pinned_for_reading().await?;
        let as_of = as_of.unwrap_or_else(|| store.today(&pinned.info.settings));
        Snapshot::pin(store, pinned, as_of).await
    }

    /// A snapshot whose files are there.
    async fn pin(store: &Arc<Store>, pinned: SnapshotFiles, as_of: NaiveDate) -> Result<Snapshot> {
        let in_use = store.pins.pin(pinned.info.id);
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
        let resources = Arc::new(ReadResources { _computed: computed, _in_use: Some(in_use) });
        Snapshot::open(SnapshotContent {
            id: pinned.info.id,
            last_sequence: pinned.info.last_sequence,
            moment,
            tables: tables.public_only(),
            sessions: store.sessions.clone(),
            only: None,
            ids: tables.are_of_the_present().then(|| IdLookup::new(store, pinned)),
            plans: PlanVisibility::Shown,
            resources,
        })
    }

    fn open(content: SnapshotContent) -> Snapshot {
        Snapshot { content, public: OnceCell::new() }
    }

    /// A session with the public tables.
    async fn public(&self) -> Result<&SessionContext> {
        let SnapshotContent { tables, sessions, moment, only, .. } = &self.content;
        let plan = || public_session(tables, sessions, moment, only.as_deref());
        self.public.get_or_try_init(plan).await
    }

    /// The same snapshot with only the rows of these data sources. Restricted twice, it has the
    /// rows of the data sources in both lists.
    pub fn restricted_to(&self, data_sources: &[String]) -> Snapshot {
        let is_seen = |source: &&String| self.content.sees(source);
        let only = data_sources.iter().filter(is_seen).cloned().collect();
        Snapshot::open(SnapshotContent { only: Some(only), ..self.content.clone() })
    }

    /// The catalog version; 0 before the first write.
    pub fn id(&self) -> i64 {
        self.content.id
    }

    /// Everything that was acknowledged up to this sequence is in it; see
    /// [`crate::push::PushResult::sequence`].
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

    /// The rows of a report.
    ///
    /// # Errors
    /// When the store cannot be read, or there are more than [`reports::PERIODS_MAX`] periods.
    pub async fn report(&self, request: &ReportRequest) -> Result<SendableRecordBatchStream> {
        let rows = reports::run(self.public().await?, request, &self.content.moment).await?;
        Ok(self.with_resources(rows))
    }

    /// Runs one read-only SQL statement over the public tables.
    ///
    /// # Errors
    /// When the statement is wrong, or is more than a query.
    pub async fn sql(&self, sql: &str) -> Result<SendableRecordBatchStream> {
        Ok(self.with_resources(read_only(self.public().await?, sql, self.content.plans).await?))
    }

    /// The same rows. The resources of the snapshot stay until they are read.
    fn with_resources(&self, rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
        let resources = Arc::clone(&self.content.resources);
        let schema = rows.schema();
        let rows = rows.inspect(move |_| {
            let _ = &resources;
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }
}
