//! Standard output: record batches in the form that was asked for.

mod grid;
mod text;

use std::io::{BufWriter, IsTerminal, Stdout, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::TryStreamExt;
use mrrow_engine::SendableRecordBatchStream;
use mrrow_engine::arrow::array::RecordBatch;
use mrrow_engine::arrow::datatypes::SchemaRef;
use mrrow_engine::arrow::ipc::writer::StreamWriter;
use mrrow_engine::arrow::{csv, json};
use parquet::arrow::ArrowWriter;

use crate::exit::Failure;

/// The forms of output.
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

/// Rows on their way to standard output.
pub(crate) struct Output {
    writer: Writer,
    /// Set once the reader of standard output has gone.
    broken: Arc<AtomicBool>,
}

enum Writer {
    Grid(grid::Grid, Pipe),
    Csv(Box<csv::Writer<Pipe>>),
    Json(json::ArrayWriter<Pipe>),
    Ndjson(json::LineDelimitedWriter<Pipe>),
    Parquet(Box<ArrowWriter<Pipe>>),
    Arrow(Box<StreamWriter<Pipe>>),
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
        let format = format.unwrap_or(if on_terminal { Format::Table } else { Format::Ndjson });
        let broken = Arc::new(AtomicBool::new(false));
        let pipe = Pipe { out: BufWriter::new(std::io::stdout()), broken: Arc::clone(&broken) };
        let failed =
            |error: &dyn std::fmt::Display| Failure::other(format!("begin the output: {error}"));
        let writer = match format {
            Format::Table => Writer::Grid(grid::Grid::table(&schema), pipe),
            Format::Markdown => Writer::Grid(grid::Grid::markdown(&schema), pipe),
            Format::Csv => {
                Writer::Csv(Box::new(csv::WriterBuilder::new().with_header(true).build(pipe)))
            }
            Format::Tsv => Writer::Csv(Box::new(
                csv::WriterBuilder::new().with_header(true).with_delimiter(b'\t').build(pipe),
            )),
            Format::Json => {
                Writer::Json(json::WriterBuilder::new().with_explicit_nulls(true).build(pipe))
            }
            Format::Ndjson => {
                Writer::Ndjson(json::WriterBuilder::new().with_explicit_nulls(true).build(pipe))
            }
            Format::Parquet => Writer::Parquet(Box::new(
                ArrowWriter::try_new(pipe, schema.clone(), None).map_err(|error| failed(&error))?,
            )),
            Format::Arrow => Writer::Arrow(Box::new(
                StreamWriter::try_new(pipe, &schema).map_err(|error| failed(&error))?,
            )),
        };
        let mut output = Output { writer, broken };
        // Without a row there would be no header.
        if matches!(output.writer, Writer::Csv(_)) {
            output.write(&RecordBatch::new_empty(schema))?;
        }
        Ok(output)
    }

    /// Writes rows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let written = match &mut self.writer {
            Writer::Grid(grid, _) => grid.add(batch).map_err(|error| error.to_string()),
            Writer::Csv(writer) => text::for_csv(batch)
                .and_then(|batch| writer.write(&batch))
                .map_err(|error| error.to_string()),
            Writer::Json(writer) => text::for_json(batch)
                .and_then(|batch| writer.write(&batch))
                .map_err(|error| error.to_string()),
            Writer::Ndjson(writer) => text::for_json(batch)
                .and_then(|batch| writer.write(&batch))
                .map_err(|error| error.to_string()),
            Writer::Parquet(writer) => writer.write(batch).map_err(|error| error.to_string()),
            Writer::Arrow(writer) => writer.write(batch).map_err(|error| error.to_string()),
        };
        self.check(written)
    }

    /// Writes what is left.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let Output { writer, broken } = self;
        let written = match writer {
            Writer::Grid(grid, mut pipe) => {
                grid.print(&mut pipe).map_err(|error| error.to_string())
            }
            Writer::Csv(writer) => writer.into_inner().flush().map_err(|error| error.to_string()),
            Writer::Json(mut writer) => writer
                .finish()
                .map_err(|error| error.to_string())
                .and_then(|()| end_line(writer.into_inner())),
            Writer::Ndjson(mut writer) => {
                let finished = writer.finish().map_err(|error| error.to_string());
                finished
                    .and_then(|()| writer.into_inner().flush().map_err(|error| error.to_string()))
            }
            Writer::Parquet(writer) => writer
                .into_inner()
                .map_err(|error| error.to_string())
                .and_then(|mut pipe| pipe.flush().map_err(|error| error.to_string())),
            Writer::Arrow(writer) => writer
                .into_inner()
                .map_err(|error| error.to_string())
                .and_then(|mut pipe| pipe.flush().map_err(|error| error.to_string())),
        };
        if broken.load(Ordering::Relaxed) {
            return Err(Failure::BrokenPipe);
        }
        written.map_err(|error| Failure::other(format!("write the output: {error}")))
    }

    fn check(&self, written: Result<(), String>) -> Result<(), Failure> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(Failure::BrokenPipe);
        }
        written.map_err(|error| Failure::other(format!("write the output: {error}")))
    }
}

fn end_line(mut pipe: Pipe) -> Result<(), String> {
    pipe.write_all(b"\n").and_then(|()| pipe.flush()).map_err(|error| error.to_string())
}

/// Standard output that remembers when nobody reads it any more; libraries between hide that in
/// their own errors.
struct Pipe {
    out: BufWriter<Stdout>,
    broken: Arc<AtomicBool>,
}

impl Pipe {
    fn remember<T>(&self, written: std::io::Result<T>) -> std::io::Result<T> {
        if let Err(error) = &written
            && error.kind() == std::io::ErrorKind::BrokenPipe
        {
            self.broken.store(true, Ordering::Relaxed);
        }
        written
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes);
        self.remember(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let flushed = self.out.flush();
        self.remember(flushed)
    }
}
