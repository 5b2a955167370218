//! The current records: in the order of their ids, page by page, or one that the id index finds.

use arrow::array::AsArray;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{DataFrame, Expr, ident, lit};

use super::content::SnapshotContent;
use super::id_lookup::IdLookup;
use crate::error::Result;
use crate::model::ObjectType;
use crate::read::Snapshot;
use crate::read::public_tables::public_records;
use crate::sessions::CurrentId;
use crate::tables::column;

/// The records to read, ordered by data source and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordsQuery {
    /// Their type.
    pub object: ObjectType,
    /// Only of this data source.
    pub data_source: Option<String>,
    /// Only with this id.
    pub id: Option<String>,
    /// Only records after this data source and id.
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

impl Snapshot {
    /// The current records with their public columns, ordered by data source and id. One whose id
    /// is named is found without reading the others, unless the snapshot is of the past.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn records(&self, query: &RecordsQuery) -> Result<SendableRecordBatchStream> {
        let mut records = match (&self.content.ids, &query.id) {
            (Some(index), Some(id)) => {
                let found =
                    self.find(index, query.object, query.data_source.as_deref(), id).await?;
                let SnapshotContent { tables, sessions, moment, .. } = &self.content;
                public_records(tables, sessions, moment, query.object, &found).await?
            }
            _ => self.public().await?.table(query.object.name()).await?,
        };
        for condition in conditions(query) {
            records = records.filter(condition)?;
        }
        let order = ["data_source", "id"].map(|column| ident(column).sort(true, false));
        let records = records.sort(order.to_vec())?.limit(0, query.limit)?;
        Ok(self.with_resources(records.execute_stream().await?))
    }

    /// The data sources that have a current record with this id, in their order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn sources_of(&self, object: ObjectType, id: &str) -> Result<Vec<String>> {
        if let Some(index) = &self.content.ids {
            let found = self.find(index, object, None, id).await?;
            return Ok(found.into_iter().map(|found| found.data_source).collect());
        }
        let records =
            self.public().await?.table(object.name()).await?.filter(ident("id").eq(lit(id)))?;
        sorted_sources(records).await
    }

    /// The current versions of an id in a data source, or in all visible ones.
    async fn find(
        &self,
        index: &IdLookup,
        object: ObjectType,
        data_source: Option<&str>,
        id: &str,
    ) -> Result<Vec<CurrentId>> {
        let sources = match data_source {
            Some(source) => vec![source.to_string()],
            None => index.data_sources().await?,
        };
        let sources = sources.into_iter().filter(|source| self.content.sees(source)).collect();
        index.find(object, sources, id).await
    }
}

/// The conditions of a query.
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
