//! The current records: in the order of their ids, page by page, or one that the id index finds.

use std::sync::Arc;

use arrow::array::AsArray;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{DataFrame, Expr, ident, lit};

use super::Content;
use crate::error::{Error, Result};
use crate::files::{DataFile, Key};
use crate::model::ObjectType;
use crate::read::Snapshot;
use crate::read::public_tables::public_records;
use crate::sessions::FoundId;
use crate::store::{SnapshotFiles, Store};
use crate::tables::Table;
use crate::tables::column;

/// Which records to read; they come ordered by data source and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordsQuery {
    /// Their type.
    pub object: ObjectType,
    /// Only of this data source.
    pub data_source: Option<String>,
    /// Only with this id.
    pub id: Option<String>,
    /// Only what comes after this data source and id.
    pub after: Option<(String, String)>,
    /// Only the first so many.
    pub limit: Option<usize>,
}

impl RecordsQuery {
    /// All records of a type.
    pub fn of(object: ObjectType) -> RecordsQuery {
        RecordsQuery { object, data_source: None, id: None, after: None, limit: None }
    }
}

/// The id index of a snapshot that is not of the past.
#[derive(Clone)]
pub(super) struct IdIndex {
    store: Arc<Store>,
    files: Arc<[DataFile]>,
}

impl Snapshot {
    /// The current records with their public columns, ordered by data source and id. One whose id
    /// is named is found without reading the others, unless the snapshot is of the past.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn records(&self, query: &RecordsQuery) -> Result<SendableRecordBatchStream> {
        let mut records = match (&self.content.index, &query.id) {
            (Some(index), Some(id)) => {
                let found =
                    self.find(index, query.object, query.data_source.as_deref(), id).await?;
                let Content { tables, sessions, moment, .. } = &self.content;
                public_records(tables, sessions, moment, query.object, &found).await?
            }
            _ => self.public().await?.table(query.object.name()).await?,
        };
        for condition in conditions(query) {
            records = records.filter(condition)?;
        }
        let order = ["data_source", "id"].map(|column| ident(column).sort(true, false));
        let records = records.sort(order.to_vec())?.limit(0, query.limit)?;
        Ok(self.holding(records.execute_stream().await?))
    }

    /// The data sources that have a current record with this id, in their order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn sources_of(&self, object: ObjectType, id: &str) -> Result<Vec<String>> {
        if let Some(index) = &self.content.index {
            let found = self.find(index, object, None, id).await?;
            return Ok(found.into_iter().map(|found| found.data_source).collect());
        }
        let records =
            self.public().await?.table(object.name()).await?.filter(ident("id").eq(lit(id)))?;
        sorted_sources(records).await
    }

    /// The current versions of an id in a data source, or in all that are seen.
    async fn find(
        &self,
        index: &IdIndex,
        object: ObjectType,
        data_source: Option<&str>,
        id: &str,
    ) -> Result<Vec<FoundId>> {
        let sources = match data_source {
            Some(source) => vec![source.to_string()],
            None => index.store.catalog.data_source_ids().await?,
        };
        let sources = sources.into_iter().filter(|source| self.content.sees(source)).collect();
        index.find(object, sources, id).await
    }
}

impl IdIndex {
    pub(super) fn new(store: &Arc<Store>, pinned: &SnapshotFiles) -> IdIndex {
        let files = pinned
            .files
            .iter()
            .filter(|file| matches!(file.table, Table::Ids(_)))
            .cloned()
            .collect();
        IdIndex { store: Arc::clone(store), files }
    }

    /// What is current of an id in these data sources, in their order.
    async fn find(
        &self,
        object: ObjectType,
        sources: Vec<String>,
        id: &str,
    ) -> Result<Vec<FoundId>> {
        let (index, id) = (self.clone(), id.to_string());
        let finding = tokio::task::spawn_blocking(move || {
            let mut keyed: Vec<(Key, String)> =
                sources.into_iter().map(|source| (Key::of(&source, &id), source)).collect();
            keyed.sort();
            let keys: Vec<Key> = keyed.iter().map(|(key, _)| *key).collect();
            let known = index.store.ids.find(&index.files, object, &keys)?;
            let mut found: Vec<FoundId> = keyed
                .into_iter()
                .zip(known)
                .filter_map(|((_, data_source), known)| {
                    known.filter(|known| !known.deleted).map(|known| FoundId {
                        data_source,
                        id: id.clone(),
                        known,
                    })
                })
                .collect();
            found.sort_by(|one, other| one.data_source.cmp(&other.data_source));
            Ok(found)
        });
        finding.await.map_err(|error| Error::Internal(format!("look up an id: {error}")))?
    }
}

/// What the records have in common, each a condition.
fn conditions(query: &RecordsQuery) -> Vec<Expr> {
    let is = |column: &str, value: &Option<String>| {
        value.as_deref().map(|value| ident(column).eq(lit(value)))
    };
    let after = query.after.as_ref().map(|(source, id)| {
        let later_id =
            ident("data_source").eq(lit(source.as_str())).and(ident("id").gt(lit(id.as_str())));
        ident("data_source").gt(lit(source.as_str())).or(later_id)
    });
    [is("data_source", &query.data_source), is("id", &query.id), after]
        .into_iter()
        .flatten()
        .collect()
}

async fn sorted_sources(records: DataFrame) -> Result<Vec<String>> {
    let mut sources = Vec::new();
    for batch in records.select_columns(&["data_source"])?.collect().await? {
        sources.extend(
            column(&batch, "data_source")?.as_string::<i32>().iter().flatten().map(str::to_string),
        );
    }
    sources.sort();
    Ok(sources)
}
