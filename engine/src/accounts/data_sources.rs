//! Data sources: the named origins of records.

use crate::error::Result;
use crate::model::{DataSource, NewDataSource, check_id, check_name, micros, random_id};
use crate::store::Store;

/// The kind of a data source unless it is given.
const KIND_DEFAULT: &str = "api";

/// Creates a data source; its id is made of the random bytes unless it is given.
pub(crate) async fn create(
    store: &Store,
    new: NewDataSource,
    random: [u8; 16],
) -> Result<DataSource> {
    let id = new.id.unwrap_or_else(|| random_id("ds", random));
    let kind = new.kind.unwrap_or_else(|| KIND_DEFAULT.to_string());
    check_id("data source", &id)?;
    check_name("data source", &new.name)?;
    check_name("data source's kind", &kind)?;
    let created_at = micros(store.now());
    let source = DataSource { id, name: new.name, kind, created_at, updated_at: created_at };
    store.catalog.insert_data_source(&source).await?;
    store.lookups.invalidate();
    Ok(source)
}

/// Changes the name or kind of a data source; none when there is no such source.
pub(crate) async fn update(
    store: &Store,
    id: &str,
    name: Option<&str>,
    kind: Option<&str>,
) -> Result<Option<DataSource>> {
    for (what, text) in [("data source", name), ("data source's kind", kind)] {
        text.map_or(Ok(()), |text| check_name(what, text))?;
    }
    let updated = store.catalog.update_data_source(id, name, kind, store.now()).await;
    store.lookups.invalidate();
    updated
}

/// Deletes a data source and its pull; returns whether it was there.
pub(crate) async fn delete(store: &Store, id: &str) -> Result<bool> {
    let deleted = store.catalog.delete_data_source(id, store.now()).await;
    store.lookups.invalidate();
    deleted
}
