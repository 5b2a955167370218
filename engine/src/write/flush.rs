//! A flush: what is in the inbox becomes files and is published.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Field, Schema};

use crate::catalog::InboxRows;
use crate::error::{Error, Result};
use crate::files::{Key, Layer, TableWriter, sorted};
use crate::model::ObjectType;
use crate::records::{Compared, Incoming, Keep};
use crate::store::{SnapshotFiles, Store};
use crate::tables::Table;
use crate::tables::{HASH_BYTES, stored_schema};
use crate::write::ack::inbox_codec;
use crate::write::publish::{Addition, publish};

/// Bytes of the inbox, as they are in memory, that are published at once.
const STEP_BYTES: u64 = 32 * 1024 * 1024;

/// Publishes requests in the inbox up to a sequence, as many as are published at once, so that it
/// is to be called again; the last sequence that was published, none when there are none. Only one
/// publication may run at a time.
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
    let (at_work, pinned_at_work) = (Arc::clone(store), Arc::clone(pinned));
    let writing = tokio::task::spawn_blocking(move || {
        let written = write_all(&at_work, &pinned_at_work, inbox, &mut addition);
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
    let mut by_type: BTreeMap<ObjectType, Vec<RecordBatch>> = BTreeMap::new();
    for rows in inbox {
        by_type
            .entry(rows.object)
            .or_default()
            .push(inbox_codec::of_bytes(rows.object, &rows.rows)?);
    }
    for (object, batches) in by_type {
        write(store, pinned, object, &concat_batches(&stored_schema(object), &batches)?, addition)?;
    }
    Ok(())
}

/// Writes the rows of one type that say something new, and what the id index says of them.
fn write(
    store: &Store,
    pinned: &SnapshotFiles,
    object: ObjectType,
    rows: &RecordBatch,
    addition: &mut Addition,
) -> Result<()> {
    let with_keys = with_keys(rows)?;
    let incoming = Incoming::of(object, &with_keys)?;
    let compared =
        incoming.compare(Keep::Every, |keys| store.ids.find(&pinned.files, object, keys))?;
    let ids = incoming.id_rows(&compared)?;
    let stored = superseding(rows, &compared)?;
    addition.changed.add_named(object, &stored)?;
    addition.changed.extend(compared.left_behind);
    for (table, rows) in [(Table::Records(object), stored), (Table::Ids(object), ids)] {
        let mut writer =
            TableWriter::new(&store.directory, table, Layer::Delta, 0, pinned.info.id + 1);
        writer.write(&sorted(&rows, table.order())?)?;
        addition.files.extend(writer.finish()?);
    }
    Ok(())
}

/// Rows with the keys of their ids.
pub(super) fn with_keys(rows: &RecordBatch) -> Result<RecordBatch> {
    let mut fields = rows.schema().fields().to_vec();
    fields.push(Arc::new(Field::new("_key", DataType::FixedSizeBinary(HASH_BYTES), false)));
    let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
    columns.push(Key::column(rows)?);
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// The kept rows, each with the version whose place it takes.
fn superseding(rows: &RecordBatch, compared: &Compared) -> Result<RecordBatch> {
    let schema = rows.schema();
    let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
    columns[schema.index_of("_supersedes")?] =
        Arc::new(Int64Array::from(compared.supersedes.clone()));
    let rows = RecordBatch::try_new(schema, columns)?;
    Ok(filter_record_batch(&rows, &BooleanArray::from(compared.kept.clone()))?)
}
