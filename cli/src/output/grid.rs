//! Rows as a table for eyes, or as one of Markdown.

use std::io::Write;

use comfy_table::{CellAlignment, Table, presets};
use mrrow_engine::arrow::array::RecordBatch;
use mrrow_engine::arrow::datatypes::SchemaRef;
use mrrow_engine::arrow::error::ArrowError;
use mrrow_engine::arrow::util::display::{ArrayFormatter, FormatOptions};

use super::text::nested;

/// A table that is printed once all rows are known, since the widest decides.
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
        let options = FormatOptions::default();
        let formatters: Vec<ArrayFormatter<'_>> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            let mut cells = Vec::with_capacity(formatters.len());
            for (column, formatter) in batch.columns().iter().zip(&formatters) {
                let text = if column.data_type().is_nested() {
                    nested(column, row)?
                } else {
                    formatter.value(row).to_string()
                };
                cells.push(if self.is_markdown { markdown_cell(&text) } else { text });
            }
            self.table.add_row(cells);
        }
        Ok(())
    }

    pub(super) fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        for line in self.table.lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
        out.flush()
    }
}

/// A cell is one line without bars.
fn markdown_cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\r', '\n'], " ")
}
