//! The tables of a pinned snapshot: the files as they are, their current rows, and what the public
//! sees.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use datafusion::common::ParamValues;
use datafusion::datasource::MemTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::prelude::{DataFrame, Expr, SessionContext, ident, lit};
use datafusion::scalar::ScalarValue;
use serde::{Deserialize, Serialize};
use url::Url;

use super::Sessions;
use crate::error::{Error, Result};
use crate::files::{Bucket, DataFile, Directory, Key, KnownId, Layer, NewFile};
use crate::model::ObjectType;
use crate::tables::Table;

const LATEST_VERSIONS: &str = include_str!("../../sql/tables/latest_versions.sql");
const VERSIONS_THEN: &str = include_str!("../../sql/tables/versions_then.sql");
const LATEST_REFRESH: &str = include_str!("../../sql/tables/latest_refresh.sql");

/// The layers that the present is read from.
const PRESENT: [Layer; 2] = [Layer::Base, Layer::Delta];

/// The files of each table in one snapshot, or of what is to become one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct StoredTables {
    files: Vec<RawFile>,
    then: Option<Then>,
    /// Only the buckets of these customers are read.
    #[serde(skip)]
    customers: Option<Arc<Vec<Key>>>,
    /// The order of the files is told to who reads them.
    #[serde(skip)]
    in_order: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct RawFile {
    file: NewFile,
    path: PathBuf,
}

/// The current version of an id, which is not deleted.
#[derive(Debug, Clone)]
pub(crate) struct FoundId {
    pub(crate) data_source: String,
    pub(crate) id: String,
    pub(crate) known: KnownId,
}

/// Which versions were known at a moment of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Then {
    /// What was published by then.
    pub(crate) last_sequence: i64,
    /// What was received by `received_at` counts too, up to this sequence.
    pub(crate) received_until: i64,
    pub(crate) received_at: DateTime<Utc>,
}

impl StoredTables {
    /// The tables of these files, each of which must be there whole.
    pub(crate) fn of(directory: &Directory, files: &[DataFile]) -> Result<StoredTables> {
        let mut tables = StoredTables::default();
        for file in files {
            let path = directory.path(&file.path);
            let bytes = path.metadata().map(|metadata| metadata.len()).ok();
            if bytes != u64::try_from(file.bytes).ok() {
                let message = format!(
                    "\"{}\" is missing or has another length; restore it from a backup",
                    file.path
                );
                return Err(Error::Damaged(message));
            }
            tables.files.push(RawFile { file: file.file.clone(), path });
        }
        Ok(tables)
    }

    /// Adds files that were just written.
    pub(crate) fn add(&mut self, directory: &Directory, files: &[NewFile]) {
        self.files.extend(
            files
                .iter()
                .map(|file| RawFile { file: file.clone(), path: directory.path(&file.path) }),
        );
    }

    /// The records alone, as they were known then.
    pub(crate) fn records_then(&self, then: Then) -> StoredTables {
        StoredTables { then: Some(then), ..self.records_only() }
    }

    /// The same without the files of the precomputed tables.
    pub(crate) fn records_only(&self) -> StoredTables {
        let files = self
            .files
            .iter()
            .filter(|raw| matches!(raw.file.table, Table::Records(_)))
            .cloned()
            .collect();
        StoredTables { files, ..self.clone() }
    }

    /// The same without the files that no public table is read from.
    pub(crate) fn public_only(&self) -> StoredTables {
        let is_read = |raw: &&RawFile| {
            !matches!(raw.file.table, Table::Ids(_))
                && (raw.file.layer != Layer::History || self.then.is_some())
        };
        StoredTables { files: self.files.iter().filter(is_read).cloned().collect(), ..self.clone() }
    }

    /// Where the files are.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|raw| raw.path.as_path())
    }

    /// Whether what is current is that of the newest versions, and not of those known then.
    pub(crate) fn are_of_the_present(&self) -> bool {
        self.then.is_none()
    }

    /// The same, of which only the buckets of these customers are read; the rows of others may be
    /// missing.
    pub(crate) fn of_customers(&self, customers: Vec<Key>) -> StoredTables {
        StoredTables { customers: Some(Arc::new(customers)), ..self.clone() }
    }

    /// The same, to be read in the order in which every file is sorted.
    pub(crate) fn in_order(&self) -> StoredTables {
        StoredTables { in_order: true, ..self.clone() }
    }

    /// How many rows of a table are stored for the present, superseded ones too.
    pub(crate) fn rows(&self, table: Table) -> u64 {
        self.files_of(table, &PRESENT).map(|raw| u64::try_from(raw.file.rows).unwrap_or(0)).sum()
    }

    fn files_of(&self, table: Table, layers: &[Layer]) -> impl Iterator<Item = &RawFile> {
        self.files
            .iter()
            .filter(move |raw| raw.file.table == table && layers.contains(&raw.file.layer))
    }

    /// The stored rows of a table in some layers, superseded ones too.
    pub(crate) fn stored(
        &self,
        context: &SessionContext,
        table: Table,
        layers: &[Layer],
    ) -> Result<DataFrame> {
        let paths: Vec<_> = self.files_of(table, layers).map(|raw| raw.path.clone()).collect();
        self.rows_of(context, table, paths)
    }

    /// The same, as far as they are wanted.
    fn wanted(
        &self,
        context: &SessionContext,
        table: Table,
        layers: &[Layer],
    ) -> Result<DataFrame> {
        let customers =
            self.customers.as_deref().filter(|_| table != Table::Records(ObjectType::Plans));
        let is_wanted = |raw: &&RawFile| {
            let Bucket { bits, number } = raw.file.bucket;
            customers.is_none_or(|customers| {
                customers.iter().any(|customer| customer.leading(bits) == number)
            })
        };
        let paths: Vec<_> =
            self.files_of(table, layers).filter(is_wanted).map(|raw| raw.path.clone()).collect();
        self.rows_of(context, table, paths)
    }

    /// The rows of files: as one table, or in order each file by itself, since files of one table
    /// have no order together.
    fn rows_of(
        &self,
        context: &SessionContext,
        table: Table,
        paths: Vec<PathBuf>,
    ) -> Result<DataFrame> {
        let (true, Some((first, others))) = (self.in_order, paths.split_first()) else {
            return Ok(context.read_table(parquet_table(&paths, table.schema(), &[])?)?);
        };
        let file = |path: &PathBuf| -> Result<DataFrame> {
            let file = parquet_table(std::slice::from_ref(path), table.schema(), table.order())?;
            Ok(context.read_table(file)?)
        };
        let mut rows = file(first)?;
        for path in others {
            rows = rows.union(file(path)?)?;
        }
        Ok(rows)
    }

    /// Versions of records of a type, by what is known of their ids: read from the buckets of their
    /// customers, by their place in the order of the files.
    pub(crate) fn versions(
        &self,
        context: &SessionContext,
        object: ObjectType,
        found: &[FoundId],
    ) -> Result<DataFrame> {
        let customers = found.iter().filter_map(|found| found.customer(object)).collect();
        let wanted = self.of_customers(customers);
        let rows = wanted.wanted(context, Table::Records(object), &PRESENT)?;
        let these = found
            .iter()
            .map(|found| found.is_this(object))
            .reduce(Expr::or)
            .unwrap_or_else(|| lit(false));
        Ok(rows.filter(these)?)
    }

    /// The current rows of a table: of records the latest versions without tombstones, of
    /// precomputed tables the rows of each customer's latest refresh. Nothing is joined where
    /// nothing was superseded.
    pub(crate) async fn current(&self, sessions: &Sessions, table: Table) -> Result<DataFrame> {
        let context = sessions.parallel()?;
        let register = |name: &str, rows: DataFrame| context.register_table(name, rows.into_view());
        if let (Some(then), Table::Records(_)) = (self.then, table) {
            register("versions", self.wanted(&context, table, &Layer::ALL)?)?;
            return Ok(context.sql(VERSIONS_THEN).await?.with_param_values(then.parameters())?);
        }
        match table {
            Table::Records(_) => {
                let superseded =
                    self.files_of(table, &PRESENT).any(|raw| raw.file.superseded_rows > 0);
                if !superseded {
                    return self.wanted(&context, table, &PRESENT);
                }
                register("versions", self.wanted(&context, table, &PRESENT)?)?;
                // Also what is not wanted may have taken the place of what is: an invoice moves
                // from customer to customer.
                register("newer", self.stored(&context, table, &[Layer::Delta])?)?;
                Ok(context.sql(LATEST_VERSIONS).await?)
            }
            _ => {
                if self.files_of(Table::Refreshes, &[Layer::Delta]).next().is_none() {
                    return self.wanted(&context, table, &[Layer::Base]);
                }
                register("base", self.wanted(&context, table, &[Layer::Base])?)?;
                register("delta", self.wanted(&context, table, &[Layer::Delta])?)?;
                register("refreshed", self.wanted(&context, Table::Refreshes, &[Layer::Delta])?)?;
                Ok(context.sql(LATEST_REFRESH).await?)
            }
        }
    }

    /// Registers every table's current rows under its own name, hidden columns included.
    pub(crate) async fn register(
        &self,
        context: &SessionContext,
        sessions: &Sessions,
    ) -> Result<()> {
        for table in [ObjectType::ALL.map(Table::Records), Table::PRECOMPUTED].concat() {
            context
                .register_table(table.name(), self.current(sessions, table).await?.into_view())?;
        }
        Ok(())
    }

    /// A session in which every table's current rows are registered.
    pub(crate) async fn session(&self, sessions: &Sessions) -> Result<SessionContext> {
        let context = sessions.parallel()?;
        self.register(&context, sessions).await?;
        Ok(context)
    }
}

impl FoundId {
    /// The customer in whose bucket it lies; none where there are no buckets.
    fn customer(&self, object: ObjectType) -> Option<Key> {
        match object {
            ObjectType::Customers => Some(Key::of(&self.data_source, &self.id)),
            ObjectType::Plans => None,
            ObjectType::Invoices => {
                Some(Key::of(&self.data_source, self.known.customer_id.as_deref()?))
            }
        }
    }

    /// The columns by which files are sorted come with it, so that only a part of each is read.
    fn is_this(&self, object: ObjectType) -> Expr {
        let this = ident("data_source")
            .eq(lit(self.data_source.as_str()))
            .and(ident("id").eq(lit(self.id.as_str())));
        let this = this.and(ident("_sequence").eq(lit(self.known.sequence)));
        match (object, &self.known.customer_id) {
            (ObjectType::Invoices, Some(customer)) => {
                this.and(ident("customer_id").eq(lit(customer.as_str())))
            }
            _ => this,
        }
    }
}

impl Then {
    fn parameters(self) -> ParamValues {
        let received_at = ScalarValue::TimestampMicrosecond(
            Some(self.received_at.timestamp_micros()),
            Some("UTC".into()),
        );
        ParamValues::from(vec![
            ("last_sequence", ScalarValue::Int64(Some(self.last_sequence))),
            ("received_until", ScalarValue::Int64(Some(self.received_until))),
            ("received_at", received_at),
        ])
    }
}

/// Parquet files of one schema as a table, each sorted by these columns; no files are an empty
/// table.
pub(crate) fn parquet_table(
    paths: &[PathBuf],
    schema: SchemaRef,
    order: &[&str],
) -> Result<Arc<dyn TableProvider>> {
    if paths.is_empty() {
        return Ok(Arc::new(MemTable::try_new(schema, vec![vec![]])?));
    }
    let mut urls = Vec::with_capacity(paths.len());
    for path in paths {
        // Not from text: a `*` in a path is a part of its name.
        let url = Url::from_file_path(path).map_err(|()| {
            Error::Argument(format!("\"{}\" is not an absolute path", path.display()))
        })?;
        urls.push(ListingTableUrl::try_new(url, None)?);
    }
    let mut options =
        ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
    if !order.is_empty() {
        let order = order.iter().map(|column| ident(*column).sort(true, false)).collect();
        options = options.with_file_sort_order(vec![order]);
    }
    let config = ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(options)
        .with_schema(schema);
    Ok(Arc::new(ListingTable::try_new(config)?))
}
