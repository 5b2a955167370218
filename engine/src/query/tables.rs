//! The tables of a pinned snapshot: the files as they are, their current rows, and what the public sees.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::prelude::{DataFrame, SessionContext};
use url::Url;

use super::Sessions;
use crate::error::{Error, Result};
use crate::mrr::Moment;
use crate::store::Table;

const LATEST_VERSIONS: &str = include_str!("../../sql/tables/latest_versions.sql");
const LATEST_REFRESH: &str = include_str!("../../sql/tables/latest_refresh.sql");

/// The public tables, each a view over the current rows of the tables it names.
const PUBLIC: [(&str, &str); 6] = [
    ("customers", include_str!("../../sql/tables/customers.sql")),
    ("plans", include_str!("../../sql/tables/plans.sql")),
    ("invoices", include_str!("../../sql/tables/invoices.sql")),
    ("mrr_lines", include_str!("../../sql/tables/mrr_lines.sql")),
    ("movements", include_str!("../../sql/tables/movements.sql")),
    ("scheduled_movements", include_str!("../../sql/tables/scheduled_movements.sql")),
];

/// The files of each table in one snapshot.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawTables {
    files: Vec<RawFile>,
}

#[derive(Debug, Clone)]
struct RawFile {
    table: Table,
    path: PathBuf,
    superseded_rows: i64,
}

impl RawTables {
    pub(crate) fn add(&mut self, table: Table, path: PathBuf, superseded_rows: i64) {
        self.files.push(RawFile { table, path, superseded_rows });
    }

    /// The same without the files of the precomputed tables.
    pub(crate) fn records_only(&self) -> RawTables {
        let files = self.files.iter().filter(|file| matches!(file.table, Table::Records(_))).cloned().collect();
        RawTables { files }
    }

    /// How many files hold a table.
    pub(crate) fn file_count(&self, table: Table) -> usize {
        self.files_of(table).count()
    }

    fn files_of(&self, table: Table) -> impl Iterator<Item = &RawFile> {
        self.files.iter().filter(move |file| file.table == table)
    }

    /// Every stored row of a table, superseded ones too.
    pub(crate) fn provider(&self, table: Table) -> Result<Arc<dyn TableProvider>> {
        let paths: Vec<_> = self.files_of(table).map(|file| file.path.clone()).collect();
        parquet_table(&paths, table.schema())
    }

    /// The current rows of a table: of records the latest versions without tombstones, of precomputed tables the rows of each
    /// customer's latest refresh. Nothing is sorted or joined where nothing was ever superseded.
    pub(crate) async fn current(&self, sessions: &Sessions, table: Table) -> Result<DataFrame> {
        let context = sessions.parallel()?;
        match table {
            Table::Records(_) => {
                let superseded = self.files_of(table).any(|file| file.superseded_rows > 0);
                if !superseded {
                    return Ok(context.read_table(self.provider(table)?)?);
                }
                context.register_table("versions", self.provider(table)?)?;
                Ok(context.sql(LATEST_VERSIONS).await?)
            }
            Table::Lines | Table::Movements | Table::Refreshes => {
                if self.file_count(Table::Refreshes) <= 1 {
                    return Ok(context.read_table(self.provider(table)?)?);
                }
                context.register_table("computed", self.provider(table)?)?;
                context.register_table("refreshes", self.provider(Table::Refreshes)?)?;
                Ok(context.sql(LATEST_REFRESH).await?)
            }
        }
    }

    /// A session in which every table's current rows are registered under its own name, hidden columns included.
    pub(crate) async fn session(&self, sessions: &Sessions) -> Result<SessionContext> {
        let context = sessions.parallel()?;
        for table in Table::ALL {
            context.register_table(table.name(), self.current(sessions, table).await?.into_view())?;
        }
        Ok(context)
    }
}

/// Parquet files of one schema as a table; no files are an empty table.
pub(crate) fn parquet_table(paths: &[PathBuf], schema: SchemaRef) -> Result<Arc<dyn TableProvider>> {
    if paths.is_empty() {
        return Ok(Arc::new(MemTable::try_new(schema, vec![vec![]])?));
    }
    let mut urls = Vec::with_capacity(paths.len());
    for path in paths {
        // Not from text: a `*` in a path is a part of its name.
        let url = Url::from_file_path(path)
            .map_err(|()| Error::Argument(format!("\"{}\" is not an absolute path", path.display())))?;
        urls.push(ListingTableUrl::try_new(url, None)?);
    }
    let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
    let config = ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options).with_schema(schema);
    Ok(Arc::new(ListingTable::try_new(config)?))
}

/// A session with the public tables and nothing else; `movements` and `scheduled_movements` part at the moment's `as_of`.
pub(crate) async fn public_tables(tables: &RawTables, sessions: &Sessions, moment: &Moment) -> Result<SessionContext> {
    let inner = tables.session(sessions).await?;
    let public = sessions.public()?;
    for (name, sql) in PUBLIC {
        let view = inner.sql(sql).await?.with_param_values(moment.parameters())?;
        public.register_table(name, view.into_view())?;
    }
    Ok(public)
}
