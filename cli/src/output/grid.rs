//! Rows as a table for people, or as a Markdown table.

use std::io::Write;

use comfy_table::{CellAlignment, Table, presets};
use mrrow_engine::arrow::array::RecordBatch;
use mrrow_engine::arrow::datatypes::SchemaRef;
use mrrow_engine::arrow::error::ArrowError;
use mrrow_server::rows::RowCells;

/// A table that is printed once all rows are known, because the widest cell sets a column's width.
pub(super) struct Grid {
    table: Table,
    is_markdown: bool,
}

impl Grid {
    /// Columns with a line under the header.
    pub(super) fn table(schema: &SchemaRef) -> Grid {
        Grid::with_preset(schema, "     ──            ", false)
    }

    /// A Markdown table.
    pub(super) fn markdown(schema: &SchemaRef) -> Grid {
        Grid::with_preset(schema, presets::ASCII_MARKDOWN, true)
    }

    fn with_preset(schema: &SchemaRef, preset: &str, is_markdown: bool) -> Grid {
        let mut table = Table::new();
        table.load_preset(preset);
        table.set_header(schema.fields().iter().map(|field| field.name().as_str()));
        for (column, field) in table.column_iter_mut().zip(schema.fields()) {
            if field.data_type().is_numeric() {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Grid { table, is_markdown }
    }

    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let cells = RowCells::of(batch)?;
        for mut row in cells.rows()? {
            if self.is_markdown {
                row.iter_mut().for_each(|cell| *cell = markdown_cell(cell));
            }
            self.table.add_row(row);
        }
        Ok(())
    }

    pub(super) fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        for line in self.table.lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A cell on one line, with escaped bars.
fn markdown_cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\r', '\n'], " ")
}
