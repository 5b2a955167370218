//! A snapshot: every table at one moment, for reports and SQL.

mod past;

use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use tempfile::TempDir;

use crate::core::{Core, InUse, Pinned};
use crate::error::Result;
use crate::model::Settings;
use crate::mrr::{Changed, Moment, Refresh, Refusing, refresh};
use crate::publish::stale_customers;
use crate::query::{RawTables, public_tables, read_only};
use crate::reports::{self, MovementsQuery, MrrQuery};
use crate::store::At;

/// Everything at one catalog version, as of one day. Writes that come later do not show.
pub struct Snapshot {
    id: i64,
    last_sequence: i64,
    moment: Moment,
    public: SessionContext,
    held: Arc<Held>,
}

/// What has to stay while rows are read, also those of a stream that outlives its snapshot.
struct Held {
    /// Rows computed for this snapshot alone.
    _computed: Option<TempDir>,
    _in_use: InUse,
}

impl Snapshot {
    /// The newest snapshot.
    pub(crate) async fn newest(core: &Arc<Core>, as_of: Option<NaiveDate>) -> Result<Snapshot> {
        let (pinned, _in_use) = core.pinned_for_reading().await?;
        let as_of = as_of.unwrap_or_else(|| core.today(&pinned.info.settings));
        Snapshot::pin(core, pinned, as_of).await
    }

    /// A moment of the past.
    pub(crate) async fn past(core: &Arc<Core>, at: At, as_of: Option<NaiveDate>) -> Result<Snapshot> {
        past::snapshot(core, at, as_of).await
    }

    /// A snapshot whose files are there.
    async fn pin(core: &Arc<Core>, pinned: Pinned, as_of: NaiveDate) -> Result<Snapshot> {
        let in_use = InUse::new(core, pinned.info.id);
        let moment = Moment { settings: pinned.info.settings.clone(), as_of };
        let mut tables = core.tables(&pinned)?;
        let computed = if as_of == pinned.info.as_of {
            None
        } else {
            compute_stale_customers(core, &pinned, &moment, &mut tables).await?
        };
        Snapshot::of(core, &pinned, moment, &tables, computed, in_use).await
    }

    async fn of(
        core: &Core,
        pinned: &Pinned,
        moment: Moment,
        tables: &RawTables,
        computed: Option<TempDir>,
        in_use: InUse,
    ) -> Result<Snapshot> {
        let public = public_tables(tables, &core.sessions, &moment).await?;
        let (id, last_sequence) = (pinned.info.id, pinned.info.last_sequence);
        let held = Arc::new(Held { _computed: computed, _in_use: in_use });
        Ok(Snapshot { id, last_sequence, moment, public, held })
    }

    /// The catalog version; 0 before the first write.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// Everything that was acknowledged up to this sequence is in it; see [`crate::push::Pushed::sequence`].
    pub fn last_sequence(&self) -> i64 {
        self.last_sequence
    }

    /// The day that movements are known up to.
    pub fn as_of(&self) -> NaiveDate {
        self.moment.as_of
    }

    /// The settings the numbers were computed with.
    pub fn settings(&self) -> &Settings {
        &self.moment.settings
    }

    /// The movements, ordered by date, data source, customer and currency.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn movements(&self, query: &MovementsQuery) -> Result<SendableRecordBatchStream> {
        Ok(self.holding(reports::movements(&self.public, query).await?))
    }

    /// MRR by period and currency: opening, movements by type, closing.
    ///
    /// # Errors
    /// When the store cannot be read, or there are more than [`reports::PERIODS_MAX`] periods.
    pub async fn mrr(&self, query: &MrrQuery) -> Result<SendableRecordBatchStream> {
        Ok(self.holding(reports::mrr(&self.public, query, self.moment.as_of).await?))
    }

    /// Runs one read-only SQL statement over the public tables.
    ///
    /// # Errors
    /// When the statement is wrong, or is more than a query.
    pub async fn sql(&self, sql: &str) -> Result<SendableRecordBatchStream> {
        Ok(self.holding(read_only(&self.public, sql).await?))
    }

    /// The same rows; what they are read from stays until they are.
    fn holding(&self, rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
        let held = Arc::clone(&self.held);
        let schema = rows.schema();
        let rows = rows.inspect(move |_| {
            let _ = &held;
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }
}

/// Computes the customers whose stored rows do not hold for the moment, and lays them over the stored ones.
async fn compute_stale_customers(
    core: &Core,
    pinned: &Pinned,
    moment: &Moment,
    tables: &mut RawTables,
) -> Result<Option<TempDir>> {
    let stale = stale_customers(core, tables, moment).await?;
    if stale.is_empty() {
        return Ok(None);
    }
    compute(core, pinned, moment, Changed::Some(stale), tables).await.map(Some)
}

/// Computes customers into a directory that lives as long as the snapshot.
async fn compute(
    core: &Core,
    pinned: &Pinned,
    moment: &Moment,
    changed: Changed,
    tables: &mut RawTables,
) -> Result<TempDir> {
    let (dir, directory) = core.scratch()?;
    let number = pinned.info.last_refresh + 1;
    let work = Refresh { tables: tables.clone(), moment: moment.clone(), changed, refusing: Refusing::Nobody, number };
    let files = refresh(&work, &core.sessions, &directory, pinned.info.id).await?;
    tables.add(&directory, &files);
    Ok(dir)
}
