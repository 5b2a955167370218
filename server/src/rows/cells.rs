//! Rows as text cells, for tables that people read.

use mrrow_engine::arrow::array::RecordBatch;
use mrrow_engine::arrow::error::ArrowError;
use mrrow_engine::arrow::util::display::{ArrayFormatter, FormatOptions};

use super::nested::flatten;

/// The cells of a record batch as text; a null is an empty cell.
pub struct RowCells(RecordBatch);

impl RowCells {
    /// The cells of these rows.
    ///
    /// # Errors
    /// When a nested column contains a type without a JSON form.
    pub fn of(rows: &RecordBatch) -> Result<RowCells, ArrowError> {
        flatten(rows).map(RowCells)
    }

    /// The rows, each with the text of its cells in the order of the columns.
    ///
    /// # Errors
    /// When a column has a type without a text form.
    pub fn rows(&self) -> Result<impl Iterator<Item = Vec<String>>, ArrowError> {
        const PLAIN: FormatOptions<'static> = FormatOptions::new();
        let columns: Vec<ArrayFormatter<'_>> = self
            .0
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &PLAIN))
            .collect::<Result<_, _>>()?;
        let row = move |at| columns.iter().map(|column| column.value(at).to_string()).collect();
        Ok((0..self.0.num_rows()).map(row))
    }
}
