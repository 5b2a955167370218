//! The files that a snapshot consists of.

use std::collections::HashSet;

use rusqlite::{Connection, Row, params};

use super::Catalog;
use crate::catalog::connection::{all, execute};
use crate::error::{Error, Result};
use crate::files::{Bucket, DataFile, Layer, NewFile};
use crate::tables::Table;

impl Catalog {
    /// The paths of all files that any snapshot names.
    pub(crate) async fn named_files(&self) -> Result<HashSet<String>> {
        let named = |connection: &Connection| {
            all(connection, "select path from data_file", [], |row| Ok(row.get(0)?))
        };
        Ok(self.connections.read(named).await?.into_iter().collect())
    }
}

/// The files of a snapshot, in the order in which they were named.
pub(super) fn files_of(connection: &Connection, snapshot: i64) -> Result<Vec<DataFile>> {
    let sql = "select * from data_file
               where begin_snapshot <= ?1 and (end_snapshot is null or end_snapshot > ?1)
               order by id";
    let files = all(connection, sql, [snapshot], data_file)?;
    Ok(files.into_iter().flatten().collect())
}

/// The file in a row; none where its table or layer is unknown: a newer program may have named it
/// without another version of the catalog.
fn data_file(row: &Row<'_>) -> Result<Option<DataFile>> {
    let (table, layer): (String, String) = (row.get("table_name")?, row.get("layer")?);
    let table = Table::named(&table);
    let layer = Layer::ALL.into_iter().find(|known| known.name() == layer);
    let (Some(table), Some(layer)) = (table, layer) else { return Ok(None) };
    let number = row.get::<_, i64>("bucket")? as u64;
    let file = NewFile {
        table,
        layer,
        bucket: Bucket { bits: row.get("bucket_bits")?, number },
        path: row.get("path")?,
        rows: row.get("rows")?,
        bytes: row.get("bytes")?,
        superseded_rows: row.get("superseded_rows")?,
    };
    let (id, begin_snapshot) = (row.get("id")?, row.get("begin_snapshot")?);
    Ok(Some(DataFile { id, begin_snapshot, file }))
}

/// Makes a file part of a new snapshot and those after it.
pub(super) fn insert(connection: &Connection, file: NewFile, snapshot: i64) -> Result<DataFile> {
    let sql = "insert into data_file
               (table_name, path, layer, bucket_bits, bucket, rows, bytes, superseded_rows, begin_snapshot)
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let values = params![
        file.table.name(),
        file.path,
        file.layer.name(),
        file.bucket.bits,
        file.bucket.number as i64,
        file.rows,
        file.bytes,
        file.superseded_rows,
        snapshot
    ];
    execute(connection, sql, values)?;
    Ok(DataFile { id: connection.last_insert_rowid(), begin_snapshot: snapshot, file })
}

/// Ends a current file: it is part of the snapshots before this one alone.
pub(super) fn end(connection: &Connection, file: i64, snapshot: i64) -> Result<()> {
    let sql = "update data_file set end_snapshot = ?1 where id = ?2 and end_snapshot is null";
    if execute(connection, sql, [snapshot, file])? == 1 {
        return Ok(());
    }
    Err(Error::Internal(format!("file {file} to be replaced is not current")))
}
