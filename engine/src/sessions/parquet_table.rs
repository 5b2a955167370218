//! Parquet files as a table of DataFusion.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::prelude::ident;
use url::Url;

use crate::error::{Error, Result};

/// Local Parquet files of one schema as a table, each sorted by these columns. No files are an
/// empty table.
pub(crate) fn parquet_table(
    paths: &[PathBuf],
    schema: SchemaRef,
    order: &[&str],
) -> Result<Arc<dyn TableProvider>> {
    let url = |path: &PathBuf| {
        Url::from_file_path(path).map_err(|()| {
            Error::Argument(format!("\"{}\" is not an absolute path", path.display()))
        })
    };
    table_of_urls(paths.iter().map(url).collect::<Result<_>>()?, schema, order)
}

/// Parquet files at these addresses as a table.
pub(super) fn table_of_urls(
    urls: Vec<Url>,
    schema: SchemaRef,
    order: &[&str],
) -> Result<Arc<dyn TableProvider>> {
    if urls.is_empty() {
        return Ok(Arc::new(MemTable::try_new(schema, vec![vec![]])?));
    }
    let urls = urls.into_iter().map(|url| ListingTableUrl::try_new(url, None));
    let mut options =
        ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
    if !order.is_empty() {
        let order = order.iter().map(|column| ident(*column).sort(true, false)).collect();
        options = options.with_file_sort_order(vec![order]);
    }
    let urls = urls.collect::<std::result::Result<Vec<_>, _>>()?;
    let config = ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(options)
        .with_schema(schema);
    Ok(Arc::new(ListingTable::try_new(config)?))
}
