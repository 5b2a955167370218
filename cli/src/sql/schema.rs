//! The public tables and their columns, read from the information schema.

use std::sync::Arc;

use futures::TryStreamExt;
use mrrow_engine::Snapshot;
use mrrow_engine::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use mrrow_engine::arrow::error::ArrowError;

use crate::exit::Failure;

const COLUMNS: &str = "select table_name, column_name, data_type from information_schema.columns \
                       where table_schema = 'public' order by table_name, ordinal_position";

/// One public table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableSchema {
    pub(super) name: String,
    pub(super) columns: Vec<ColumnSchema>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ColumnSchema {
    pub(super) name: String,
    pub(super) data_type: String,
}

/// Reads the public tables, ordered by name.
pub(super) async fn read_tables(snapshot: &Snapshot) -> Result<Vec<TableSchema>, Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::other(format!("list the tables: {error}"));
    let rows: Vec<RecordBatch> = snapshot
        .sql(COLUMNS)
        .await?
        .try_collect()
        .await
        .map_err(|error| failed(&error.strip_backtrace()))?;
    let mut tables: Vec<TableSchema> = Vec::new();
    for batch in rows {
        let [table, column, data_type] =
            [0, 1, 2].map(|at| batch.column(at).as_string_opt::<i32>());
        let (Some(table), Some(column), Some(data_type)) = (table, column, data_type) else {
            return Err(failed(&"a name in the information schema is not text"));
        };
        for row in 0..batch.num_rows() {
            let column = ColumnSchema {
                name: column.value(row).into(),
                data_type: sql_type(data_type.value(row)),
            };
            match tables.last_mut() {
                Some(last) if last.name == table.value(row) => last.columns.push(column),
                _ => tables
                    .push(TableSchema { name: table.value(row).into(), columns: vec![column] }),
            }
        }
    }
    Ok(tables)
}

/// Rows that list the tables.
pub(super) fn list(tables: &[TableSchema]) -> Result<RecordBatch, ArrowError> {
    let names = StringArray::from_iter_values(tables.iter().map(|table| &table.name));
    let columns: Int64Array = tables.iter().map(|table| Some(table.columns.len() as i64)).collect();
    RecordBatch::try_from_iter([
        ("table", Arc::new(names) as ArrayRef),
        ("columns", Arc::new(columns)),
    ])
}

/// Rows that list the columns of a table.
pub(super) fn describe(table: &TableSchema) -> Result<RecordBatch, ArrowError> {
    let names = StringArray::from_iter_values(table.columns.iter().map(|column| &column.name));
    let types = StringArray::from_iter_values(table.columns.iter().map(|column| &column.data_type));
    RecordBatch::try_from_iter([("column", Arc::new(names) as ArrayRef), ("type", Arc::new(types))])
}

/// The SQL name of an Arrow type; the Arrow name if there is none.
fn sql_type(data_type: &str) -> String {
    match data_type {
        "Utf8" => "text".to_string(),
        "Boolean" => "boolean".to_string(),
        "Int32" => "integer".to_string(),
        "Int64" => "bigint".to_string(),
        "Date32" => "date".to_string(),
        _ if data_type.starts_with("Timestamp") => "timestamp".to_string(),
        _ if data_type.starts_with("List") && data_type.contains("Utf8") => "text[]".to_string(),
        _ => data_type
            .strip_prefix("Decimal128")
            .map_or(data_type.to_string(), |digits| format!("decimal{digits}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrow_types_have_sql_names() {
        for (arrow, sql) in [
            ("Utf8", "text"),
            ("Int64", "bigint"),
            ("Decimal128(24, 4)", "decimal(24, 4)"),
            ("Timestamp(µs, \"UTC\")", "timestamp"),
            ("List(Utf8)", "text[]"),
            ("Float64", "Float64"),
        ] {
            assert_eq!(sql_type(arrow), sql);
        }
    }
}
