//! Standard output: record batches in the format of `--format`.

mod grid;

use std::io::{BufWriter, IsTerminal, Stdout, Write};

use futures::TryStreamExt;
use mrrow_engine::SendableRecordBatchStream;
use mrrow_engine::arrow::array::RecordBatch;
use mrrow_engine::arrow::datatypes::SchemaRef;
use mrrow_engine::arrow::error::ArrowError;
use mrrow_server::rows::{JsonRow, RowEncoder, RowFormat};

use crate::exit::Failure;
use grid::Grid;

/// The formats of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Columns, for eyes
    Table,
    /// Comma-separated values with a header
    Csv,
    /// Tab-separated values with a header
    Tsv,
    /// One JSON array of objects
    Json,
    /// One JSON object a line
    Ndjson,
    /// A Markdown table
    Markdown,
    /// A Parquet file
    Parquet,
    /// An Arrow IPC stream
    Arrow,
}

impl Format {
    /// Whether a terminal can show it.
    pub(crate) fn is_text(self) -> bool {
        !matches!(self, Format::Parquet | Format::Arrow)
    }

    /// Whether all rows must be known before the first is printed.
    pub(crate) fn is_laid_out(self) -> bool {
        matches!(self, Format::Table | Format::Markdown)
    }
}

/// Writes rows to standard output.
pub(crate) struct Output {
    encoder: OutputEncoder,
    out: BufWriter<Stdout>,
}

enum OutputEncoder {
    /// A table, which is printed at the end.
    Grid(Grid),
    Rows(RowEncoder),
}

/// Prints a whole stream.
pub(crate) async fn print(
    format: Option<Format>,
    mut rows: SendableRecordBatchStream,
) -> Result<(), Failure> {
    let mut output = Output::begin(format, rows.schema())?;
    while let Some(batch) =
        rows.try_next().await.map_err(|error| Failure::other(error.strip_backtrace()))?
    {
        output.write(&batch)?;
    }
    output.finish()
}

impl Output {
    /// Begins the output of rows with this schema.
    pub(crate) fn begin(format: Option<Format>, schema: SchemaRef) -> Result<Output, Failure> {
        let on_terminal = std::io::stdout().is_terminal();
        let rows = |format| {
            RowEncoder::new(format, &schema, JsonRow::Object, "[")
                .map(OutputEncoder::Rows)
                .map_err(|error| Failure::other(format!("begin the output: {error}")))
        };
        let encoder =
            match format.unwrap_or(if on_terminal { Format::Table } else { Format::Ndjson }) {
                Format::Table => OutputEncoder::Grid(Grid::table(&schema)),
                Format::Markdown => OutputEncoder::Grid(Grid::markdown(&schema)),
                Format::Csv => rows(RowFormat::Csv)?,
                Format::Tsv => rows(RowFormat::Tsv)?,
                Format::Json => rows(RowFormat::Json)?,
                Format::Ndjson => rows(RowFormat::Ndjson)?,
                Format::Parquet => rows(RowFormat::Parquet)?,
                Format::Arrow => rows(RowFormat::Arrow)?,
            };
        Ok(Output { encoder, out: BufWriter::new(std::io::stdout()) })
    }

    /// Writes rows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        match &mut self.encoder {
            OutputEncoder::Grid(grid) => grid.add(batch).map_err(not_encoded),
            OutputEncoder::Rows(encoder) => {
                Ok(self.out.write_all(&encoder.write(batch).map_err(not_encoded)?)?)
            }
        }
    }

    /// Writes the end of the output.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let Output { encoder, mut out } = self;
        match encoder {
            OutputEncoder::Grid(grid) => grid.print(&mut out)?,
            OutputEncoder::Rows(encoder) => {
                out.write_all(&encoder.finish("]\n").map_err(not_encoded)?)?;
            }
        }
        Ok(out.flush()?)
    }
}

fn not_encoded(error: ArrowError) -> Failure {
    Failure::other(format!("write the output: {error}"))
}
