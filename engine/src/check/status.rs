//! The status of a data directory: tables, files, snapshots and warnings.

use std::sync::Arc;

use arrow::array::AsArray;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::error::Result;
use crate::files::Layer;
use crate::model::{ObjectType, Settings};
use crate::sessions::StoredTables;
use crate::store::{SnapshotFiles, Store};
use crate::tables::Table;
use crate::tables::column;

const FAILURES: &str = include_str!("../../sql/refresh/failures.sql");

/// Customers without a result that are named.
const FAILURES_SHOWN: usize = 10;

/// The content of a data directory.
#[derive(Debug, Clone, Serialize)]
pub struct StoreStatus {
    /// The newest snapshot; 0 before the first write.
    pub snapshot: i64,
    /// It has every row up to this sequence.
    pub last_sequence: i64,
    /// When it was published.
    pub committed_at: Option<DateTime<Utc>>,
    /// The day its movements are computed for.
    pub as_of: NaiveDate,
    /// The settings its movements are computed with.
    pub settings: Settings,
    /// The tables.
    pub tables: Vec<TableStatus>,
    /// Retained snapshots.
    pub snapshots: u64,
    /// Their files.
    pub files: u64,
    /// Bytes of the catalog.
    pub catalog_bytes: u64,
    /// Acknowledged rows that are not yet published.
    pub waiting_rows: u64,
    /// The process that writes, if there is one.
    pub writer_pid: Option<String>,
    /// Irregularities, in words.
    pub warnings: Vec<String>,
}

/// A retained snapshot; [`crate::Past::Snapshot`] reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotSummary {
    /// Its number.
    pub snapshot: i64,
    /// When it was published.
    pub committed_at: DateTime<Utc>,
    /// Its cause: push, import, settings, day or compaction.
    pub cause: String,
    /// The day its movements are computed for.
    pub as_of: NaiveDate,
    /// It has every row up to this sequence.
    pub last_sequence: i64,
    /// Whether it has files. Without them a read computes it again, which takes longer.
    pub has_files: bool,
}

/// The files and rows of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableStatus {
    /// Its name.
    pub name: &'static str,
    /// Rows of the present, including superseded ones.
    pub rows: i64,
    /// Rows of the past only.
    pub history_rows: i64,
    /// Bytes of its files.
    pub bytes: i64,
    /// Files of the compacted base.
    pub base_files: usize,
    /// Files that lie over it.
    pub delta_files: usize,
    /// Files of the past.
    pub history_files: usize,
}

pub(crate) async fn snapshots(store: &Store) -> Result<Vec<SnapshotSummary>> {
    let snapshots = store.catalog.snapshots().await?.into_iter().map(|info| SnapshotSummary {
        snapshot: info.id,
        committed_at: info.committed_at,
        cause: info.cause,
        as_of: info.as_of,
        last_sequence: info.last_sequence,
        has_files: info.files_kept,
    });
    Ok(snapshots.collect())
}

pub(crate) async fn status(store: &Arc<Store>) -> Result<StoreStatus> {
    let (pinned, _in_use) = store.pinned_for_reading().await?;
    let wanted = store.catalog.wanted_settings().await?;
    let counts = store.catalog.counts().await?;
    let mut status = StoreStatus {
        snapshot: pinned.info.id,
        last_sequence: pinned.info.last_sequence,
        committed_at: (pinned.info.id > 0).then_some(pinned.info.committed_at),
        as_of: pinned.info.as_of,
        settings: pinned.info.settings.clone(),
        tables: Table::ALL.map(|table| table_status(&pinned, table)).into(),
        snapshots: counts.snapshots,
        files: counts.files,
        catalog_bytes: store.directory.catalog().metadata().map_or(0, |metadata| metadata.len()),
        waiting_rows: counts.waiting_rows,
        writer_pid: store.directory.writer_pid()?,
        warnings: Vec::new(),
    };
    let has_pending_settings = wanted.is_some_and(|wanted| wanted != pinned.info.settings);
    status.warnings = warnings(store, &pinned, &status, has_pending_settings);
    match store.tables(&pinned) {
        Ok(tables) => status.warnings.extend(failures(store, &tables).await?),
        Err(error) => status.warnings.push(error.to_string()),
    }
    Ok(status)
}

fn table_status(pinned: &SnapshotFiles, table: Table) -> TableStatus {
    let files = || pinned.files.iter().filter(move |file| file.table == table);
    let of = |layer| files().filter(move |file| file.layer == layer);
    let rows = |layer| of(layer).map(|file| file.rows).sum::<i64>();
    TableStatus {
        name: table.name(),
        rows: rows(Layer::Base) + rows(Layer::Delta),
        history_rows: rows(Layer::History),
        bytes: files().map(|file| file.bytes).sum(),
        base_files: of(Layer::Base).count(),
        delta_files: of(Layer::Delta).count(),
        history_files: of(Layer::History).count(),
    }
}

fn warnings(
    store: &Store,
    pinned: &SnapshotFiles,
    status: &StoreStatus,
    has_pending_settings: bool,
) -> Vec<String> {
    let mut warnings = Vec::new();
    if has_pending_settings {
        warnings.push(
            "a settings change is not computed yet; the process that writes does it".to_string(),
        );
    }
    if status.waiting_rows > 0 {
        warnings.push(format!(
            "{} acknowledged rows are not published yet; the process that writes does it",
            status.waiting_rows
        ));
    }
    if pinned.info.id > 0 && store.today(&pinned.info.settings) != pinned.info.as_of {
        warnings.push(format!(
            "movements are stored as of {}; reads compute what changed since",
            pinned.info.as_of
        ));
    }
    let has_rows = |object: ObjectType| {
        status.tables.iter().any(|table| table.name == object.name() && table.rows > 0)
    };
    if has_rows(ObjectType::Invoices) && !has_rows(ObjectType::Plans) {
        warnings.push("there are invoices but no plans; without plans there is no MRR".to_string());
    }
    warnings
}

/// The first customers without a result.
async fn failures(store: &Store, tables: &StoredTables) -> Result<Vec<String>> {
    let context = tables.session(&store.sessions).await?;
    let mut warnings = Vec::new();
    for batch in context.sql(FAILURES).await?.limit(0, Some(FAILURES_SHOWN))?.collect().await? {
        let text = |name: &str, row| {
            column(&batch, name).map(|texts| texts.as_string::<i32>().value(row).to_string())
        };
        for row in 0..batch.num_rows() {
            let (source, customer) = (text("data_source", row)?, text("customer_id", row)?);
            let reason = text("failure", row)?;
            warnings.push(format!(
                "customer \"{customer}\" of data source \"{source}\" has no MRR, for it cannot be \
                 computed: {reason}; correct its records"
            ));
        }
    }
    Ok(warnings)
}
