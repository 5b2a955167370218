//! A snapshot: every table at one moment, for reports and SQL.

use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::datasource::MemTable;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;
use tempfile::TempDir;

use crate::engine::{Engine, Pinned};
use crate::error::Result;
use crate::model::Settings;
use crate::mrr::{Changed, Moment, Refresh, refresh};
use crate::query::{RawTables, public_tables, read_only};
use crate::reports::{self, MovementsQuery, MrrQuery};

const STALE_CUSTOMERS: &str = include_str!("../sql/refresh/stale_customers.sql");

/// Everything at one catalog version, as of one day. Writes that come later do not show.
pub struct Snapshot {
    id: i64,
    moment: Moment,
    public: SessionContext,
    /// Rows computed for another `as_of` than the stored one; the tables read them while the snapshot lives.
    _computed: Option<TempDir>,
}

impl Snapshot {
    pub(crate) async fn pin(engine: &Engine, pinned: &Pinned, as_of: NaiveDate) -> Result<Snapshot> {
        let moment = Moment { settings: pinned.info.settings.clone(), as_of };
        let mut tables = engine.raw_tables(&pinned.files)?;
        let computed = if as_of == pinned.info.as_of {
            None
        } else {
            compute_stale_customers(engine, pinned, &moment, &mut tables).await?
        };
        let public = public_tables(&tables, engine.sessions(), &moment).await?;
        Ok(Snapshot { id: pinned.info.id, moment, public, _computed: computed })
    }

    /// The catalog version; 0 before the first write.
    pub fn id(&self) -> i64 {
        self.id
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
        reports::movements(&self.public, query).await
    }

    /// MRR by period and currency: opening, movements by type, closing.
    ///
    /// # Errors
    /// When the store cannot be read, or there are more than [`reports::PERIODS_MAX`] periods.
    pub async fn mrr(&self, query: &MrrQuery) -> Result<SendableRecordBatchStream> {
        reports::mrr(&self.public, query, self.moment.as_of).await
    }

    /// Runs one read-only SQL statement over the public tables.
    ///
    /// # Errors
    /// When the statement is wrong, or is more than a query.
    pub async fn sql(&self, sql: &str) -> Result<SendableRecordBatchStream> {
        read_only(&self.public, sql).await
    }
}

/// Computes the customers whose stored rows do not hold for the moment, and lays them over the stored ones.
async fn compute_stale_customers(
    engine: &Engine,
    pinned: &Pinned,
    moment: &Moment,
    tables: &mut RawTables,
) -> Result<Option<TempDir>> {
    let context = tables.session(engine.sessions()).await?;
    let stale = context.sql(STALE_CUSTOMERS).await?.with_param_values(moment.parameters())?;
    let schema = Arc::new(stale.schema().as_arrow().clone());
    let stale = stale.collect().await?;
    if stale.iter().all(|batch| batch.num_rows() == 0) {
        return Ok(None);
    }
    let (dir, directory) = engine.scratch()?;
    let work = Refresh {
        tables: tables.clone(),
        moment: moment.clone(),
        changed: Changed::Some(Arc::new(MemTable::try_new(schema, vec![stale])?)),
        number: pinned.info.last_refresh + 1,
    };
    for file in refresh(&work, engine.sessions(), &directory, pinned.info.id).await? {
        tables.add(file.table, directory.path(&file.path), file.superseded_rows);
    }
    Ok(Some(dir))
}
