//! Changing some fields of a record: it is read, changed and pushed as a whole, unless somebody
//! else has changed it meanwhile.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::files::Key;
use crate::ingest::{field_name, record_fields};
use crate::model::ObjectType;
use crate::sessions::CurrentId;
use crate::store::SnapshotFiles;
use crate::write::push::{PushOptions, Pushed};

/// How often a change is tried while others change the same record.
const TRIES_MAX: usize = 8;

/// A record that is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordId {
    /// Its data source's id.
    pub data_source: String,
    /// Its type.
    pub object: ObjectType,
    /// Its own id.
    pub id: String,
}

impl Engine {
    /// Changes the fields of a record that `changes` has, under either of their names, and leaves
    /// the others as they are; null empties a field. Durable like a push, whose answer it has; none
    /// where there is no such record. It waits until what was acknowledged before is published.
    ///
    /// # Errors
    /// As for [`Engine::push`]; [`Error::Changed`] when others keep changing the record.
    pub async fn amend(
        &self,
        record: &RecordId,
        changes: &BTreeMap<String, Box<RawValue>>,
        options: &PushOptions,
    ) -> Result<Option<Pushed>> {
        for _ in 0..TRIES_MAX {
            self.published(self.last_acknowledged().await.unwrap_or_default()).await?;
            let (pinned, _in_use) = self.store.pinned_for_reading().await?;
            let Some(mut fields) = self.fields_of(&pinned, record).await? else { return Ok(None) };
            lay_over(record, &mut fields, changes);
            let bytes = serde_json::to_vec(&fields)
                .map_err(|error| Error::Internal(format!("write \"{}\": {error}", record.id)))?;
            let options =
                PushOptions { unchanged_since: Some(pinned.info.last_sequence), ..options.clone() };
            match self.push(&record.data_source, Some(record.object), bytes, &options).await {
                Err(Error::Changed { .. }) => {}
                pushed => return pushed.map(Some),
            }
        }
        Err(Error::Changed { id: record.id.clone() })
    }

    /// The fields of a record as they are stored in a snapshot.
    async fn fields_of(
        &self,
        pinned: &SnapshotFiles,
        record: &RecordId,
    ) -> Result<Option<BTreeMap<String, Box<RawValue>>>> {
        let RecordId { data_source, object, id } = record;
        let (store, files) = (std::sync::Arc::clone(&self.store), pinned.files.clone());
        let (key, object) = (Key::of(data_source, id), *object);
        let finding = tokio::task::spawn_blocking(move || store.ids.find(&files, object, &[key]));
        let found =
            finding.await.map_err(|error| Error::Internal(format!("look up an id: {error}")))??;
        let Some(known) = found.into_iter().flatten().find(|known| !known.deleted) else {
            return Ok(None);
        };
        let found = CurrentId { data_source: data_source.clone(), id: id.clone(), known };
        let tables = self.store.tables(pinned)?;
        let context = self.store.sessions.parallel()?;
        let batches = tables.versions(&context, object, &[found])?.collect().await?;
        let batch = batches.iter().find(|batch| batch.num_rows() > 0);
        batch.map(|batch| record_fields(object, batch, 0)).transpose()
    }
}

/// Puts changed fields in the place of those that are stored, under the names that the sender gives
/// them.
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
