//! A flush: rows in the inbox become files and are published.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};

use crate::catalog::InboxRows;
use crate::error::{Error, Result};
use crate::files::{Layer, TableWriter, sorted};
use crate::model::ObjectType;
use crate::records::{IncomingRows, Keep, StoredBatch};
use crate::store::{SnapshotFiles, Store};
use crate::tables::{Table, column};
use crate::write::ack::inbox_codec::InboxBatch;
use crate::write::publish::{Addition, publish};

/// Bytes of the inbox, as they are in memory, that are published at once.
const STEP_BYTES: u64 = 32 * 1024 * 1024;

/// Publishes a step of the requests in the inbox up to a sequence, and returns the last sequence that
/// it has published; none if there are none. The caller holds the right to publish, and calls it
/// again.
pub(crate) async fn flush(
    store: &Arc<Store>,
    pinned: &Arc<SnapshotFiles>,
    until: i64,
) -> Result<Option<i64>> {
    let inbox = store.catalog.inbox(until, STEP_BYTES).await?;
    let (Some(first), Some(last)) = (inbox.first(), inbox.last()) else { return Ok(None) };
    let last_sequence = last.last_sequence;
    let mut addition = Addition {
        first_sequence: first.first_sequence,
        last_sequence,
        inbox_until: last_sequence,
        ..Addition::new("push")
    };
    let (writing_store, writing_pinned) = (Arc::clone(store), Arc::clone(pinned));
    let writing = tokio::task::spawn_blocking(move || {
        let written = write_all(&writing_store, &writing_pinned, inbox, &mut addition);
        (written, addition)
    });
    let (written, addition) =
        writing.await.map_err(|error| Error::Internal(format!("flush the inbox: {error}")))?;
    if let Err(error) = written {
        store.give_up(&addition.files)?;
        return Err(error);
    }
    publish(store, pinned, addition).await?;
    Ok(Some(last_sequence))
}

fn write_all(
    store: &Store,
    pinned: &SnapshotFiles,
    inbox: Vec<InboxRows>,
    addition: &mut Addition,
) -> Result<()> {
    let mut by_type: BTreeMap<ObjectType, Vec<InboxBatch>> = BTreeMap::new();
    for rows in inbox {
        let batch = InboxBatch::of_bytes(rows.object, &rows.rows)?;
        by_type.entry(rows.object).or_default().push(batch);
    }
    for (object, batches) in by_type {
        let published = pinned.info.last_sequence;
        let changes = match batches.iter().all(|batch| batch.is_decided(published)) {
            true => decided(object, &batches, addition)?,
            false => compared(store, pinned, object, &batches, addition)?,
        };
        write(store, pinned, object, changes, addition)?;
    }
    Ok(())
}

/// The rows that a flush adds to the tables of one type.
struct NewRows {
    records: RecordBatch,
    ids: RecordBatch,
}

/// All rows, as the validation has compared them: no unknown version was published since.
fn decided(object: ObjectType, batches: &[InboxBatch], addition: &mut Addition) -> Result<NewRows> {
    for batch in batches {
        let sources = column(batch.versions.rows(), "data_source")?.as_string::<i32>();
        let left = batch.left_customers.iter().flatten().enumerate();
        let left = left.filter_map(|(row, customer)| Some((sources.value(row), customer?)));
        addition
            .changed
            .extend(left.map(|(source, customer)| (source.to_string(), customer.to_string())));
    }
    let versions = StoredBatch::concat(batches.iter().map(|batch| &batch.versions))?;
    let incoming = IncomingRows::of_batch(object, &versions)?;
    let ids = incoming.id_rows(&incoming.last_rows())?;
    Ok(NewRows { records: versions.rows().clone(), ids })
}

/// The rows that change a record, compared once more with the published versions.
fn compared(
    store: &Store,
    pinned: &SnapshotFiles,
    object: ObjectType,
    batches: &[InboxBatch],
    addition: &mut Addition,
) -> Result<NewRows> {
    let versions = StoredBatch::concat(batches.iter().map(|batch| &batch.versions))?;
    let incoming = IncomingRows::of_batch(object, &versions)?;
    let diff = incoming.compare(Keep::Every, |keys| store.ids.find(&pinned.files, object, keys))?;
    addition.changed.extend(incoming.left_behind(&diff));
    let ids = incoming.id_rows(&diff.last)?;
    let kept = BooleanArray::from(diff.kept);
    let versions = versions.with_superseded(diff.supersedes)?.filter(&kept)?;
    Ok(NewRows { records: versions.rows().clone(), ids })
}

/// Writes the rows of one type to files.
fn write(
    store: &Store,
    pinned: &SnapshotFiles,
    object: ObjectType,
    rows: NewRows,
    addition: &mut Addition,
) -> Result<()> {
    addition.changed.add_named(object, &rows.records)?;
    for (table, rows) in [(Table::Records(object), rows.records), (Table::Ids(object), rows.ids)] {
        let mut writer =
            TableWriter::new(&store.directory, table, Layer::Delta, 0, pinned.info.id + 1);
        writer.write(&sorted(&rows, table.order())?)?;
        addition.files.extend(writer.finish()?);
    }
    Ok(())
}
