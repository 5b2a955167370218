//! An update of some fields of a record: the record is read, changed and pushed as a whole, unless
//! another caller has changed it meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::files::Key;
use crate::ingest::{field_name, record_fields};
use crate::model::ObjectType;
use crate::sessions::CurrentId;
use crate::store::{SnapshotFiles, Store};
use crate::write::Writer;
use crate::write::ack::{PushOptions, PushResult};
use crate::write::push;

/// Attempts while others change the same record.
const TRIES_MAX: usize = 8;

/// The record to update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordId {
    /// Its data source's id.
    pub data_source: String,
    /// Its type.
    pub object: ObjectType,
    /// Its own id.
    pub id: String,
}

/// Pushes a record with changed fields; none if there is no such record.
pub(crate) async fn update_record(
    store: &Arc<Store>,
    writer: &Writer,
    record: &RecordId,
    changes: &BTreeMap<String, Box<RawValue>>,
    options: &PushOptions,
) -> Result<Option<PushResult>> {
    for _ in 0..TRIES_MAX {
        store.sequences.wait_published(&store.catalog, writer.last_acknowledged()).await?;
        let (pinned, _pin) = store.pinned_for_reading().await?;
        let Some(mut fields) = fields_of(store, &pinned, record).await? else { return Ok(None) };
        lay_over(record, &mut fields, changes);
        let bytes = serde_json::to_vec(&fields)
            .map_err(|error| Error::Internal(format!("write \"{}\": {error}", record.id)))?;
        let options =
            PushOptions { unchanged_since: Some(pinned.info.last_sequence), ..options.clone() };
        let object = Some(record.object);
        let request = push::decode(store, &record.data_source, object, bytes, &options).await?;
        match writer.push(request).await {
            Err(Error::Changed { .. }) => {}
            pushed => return pushed.map(Some),
        }
    }
    Err(Error::Changed { id: record.id.clone() })
}

/// The fields of a record as they are stored in a snapshot.
async fn fields_of(
    store: &Arc<Store>,
    pinned: &SnapshotFiles,
    record: &RecordId,
) -> Result<Option<BTreeMap<String, Box<RawValue>>>> {
    let RecordId { data_source, object, id } = record;
    let (finder, files) = (Arc::clone(store), Arc::clone(&pinned.files));
    let (key, object) = (Key::of(data_source, id), *object);
    let finding = tokio::task::spawn_blocking(move || finder.ids.find(&files, object, &[key]));
    let found =
        finding.await.map_err(|error| Error::Internal(format!("look up an id: {error}")))??;
    let Some(known) = found.into_iter().flatten().find(|known| !known.deleted) else {
        return Ok(None);
    };
    let found = CurrentId { data_source: data_source.clone(), id: id.clone(), known };
    let tables = store.tables(pinned)?;
    let context = store.sessions.parallel()?;
    let batches = tables.versions(&context, object, &[found])?.collect().await?;
    let batch = batches.iter().find(|batch| batch.num_rows() > 0);
    batch.map(|batch| record_fields(object, batch, 0)).transpose()
}

/// Replaces stored fields by changed ones, which have the names that the sender gives them.
fn lay_over(
    record: &RecordId,
    fields: &mut BTreeMap<String, Box<RawValue>>,
    changes: &BTreeMap<String, Box<RawValue>>,
) {
    let known = |name: &str| field_name(record.object, name).filter(|ours| *ours != "id");
    for name in changes.keys() {
        if let Some(ours) = known(name) {
            fields.remove(ours);
        }
    }
    let changed = changes.iter().filter(|(name, _)| known(name).is_some());
    fields.extend(changed.map(|(name, value)| (name.clone(), value.clone())));
}
