//! Parquet: a column for each field, found by name. A damaged file is a rejection, never a panic.

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::json::LineDelimitedWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;

use crate::ingest::DecodeOptions;
use crate::ingest::format::source::MalformedInput;
use crate::ingest::output::Output;
use crate::ingest::rejection::FieldError;
use crate::ingest::row::parquet_columns::ParquetColumn;
use crate::ingest::row::values::{FieldTarget, Naming, Row, Value};
use crate::model::ObjectType;
use crate::tables::field_names;

/// The maximum of rows decoded at once.
const UNPACKED_ROWS_MAX: usize = 1024;

/// Reads a file; `progress` receives the number of rows read and of all rows.
pub(in crate::ingest) fn read(
    file: File,
    options: &DecodeOptions,
    output: &mut Output<'_>,
    progress: &dyn Fn(u64, u64),
) -> io::Result<()> {
    let table = output.table(options.object)?;
    if file.metadata()?.len() == 0 {
        return Err(MalformedInput::file("the file is empty").into_io());
    }
    let metadata = guarded(|| metadata(&file))?;
    let names: Vec<String> =
        metadata.schema().fields().iter().map(|field| field.name().clone()).collect();
    let targets = table.names.columns(names.iter().map(String::as_str)).map_err(|errors| {
        MalformedInput { object: options.object, line: None, errors, original: names.join(",") }
            .into_io()
    })?;

    let rows_total =
        u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or_default();
    let wanted: Vec<usize> =
        (0..targets.len()).filter(|at| targets[*at] != FieldTarget::Ignored).collect();
    let reader = guarded(|| {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
        let mask = ProjectionMask::roots(builder.parquet_schema(), wanted.iter().copied());
        builder
            .with_projection(mask)
            .with_batch_size(options.batch_rows.clamp(1, UNPACKED_ROWS_MAX))
            .build()
    })?;
    let wanted: Vec<&FieldTarget> = wanted.iter().map(|at| &targets[*at]).collect();
    let mut rows = 0;
    let result =
        read_rows(reader, &wanted, &mut rows, options, output, &|rows| progress(rows, rows_total));
    let table = output.table(options.object)?;
    let ignored = names.iter().zip(&targets).filter(|(_, target)| **target == FieldTarget::Ignored);
    ignored.for_each(|(name, _)| table.ignore(name, rows));
    result
}

fn read_rows(
    mut reader: ParquetRecordBatchReader,
    targets: &[&FieldTarget],
    rows: &mut u64,
    options: &DecodeOptions,
    output: &mut Output<'_>,
    progress: &dyn Fn(u64),
) -> io::Result<()> {
    let is_metadata: Vec<bool> =
        targets.iter().map(|target| is_metadata(options.object, target)).collect();
    while let Some(batch) = guarded(|| reader.next().transpose())? {
        let columns = guarded(|| {
            batch.columns().iter().map(ParquetColumn::new).collect::<Result<Vec<_>, _>>()
        })?;
        progress(*rows + batch.num_rows() as u64);
        for at in 0..batch.num_rows() {
            let mut row = Row::empty(Naming::Column);
            for ((column, target), is_metadata) in columns.iter().zip(targets).zip(&is_metadata) {
                column.put(at, target, *is_metadata, &mut row);
            }
            let bytes = bytes(&row);
            let table = output.table(options.object)?;
            if bytes > options.row_bytes_max {
                table.reject(*rows, FieldError::too_long(options.row_bytes_max), &[]);
            } else {
                table.add(*rows, row, || original(&batch, at), bytes);
            }
            *rows += 1;
            output.step(options.object)?;
        }
    }
    Ok(())
}

/// Reads the footer. Text columns are read as views, so that a repeated value is stored once.
fn metadata(file: &File) -> Result<ArrowReaderMetadata, ParquetError> {
    let metadata = ArrowReaderMetadata::load(file, ArrowReaderOptions::new())?;
    let fields = metadata.schema().fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => {
            Arc::new(Field::clone(field).with_data_type(DataType::Utf8View))
        }
        _ => field.clone(),
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    ArrowReaderMetadata::try_new(
        metadata.metadata().clone(),
        ArrowReaderOptions::new().with_schema(schema),
    )
}

fn is_metadata(object: Option<ObjectType>, target: &FieldTarget) -> bool {
    match (object, target) {
        (Some(object), FieldTarget::Field(field)) => field_names(object)[field.field] == "metadata",
        _ => false,
    }
}

/// Runs a step of a reader that is not made for hostile files; a panic means a damaged file too.
fn guarded<T, E: std::error::Error + 'static>(
    step: impl FnOnce() -> Result<T, E>,
) -> io::Result<T> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(system_error(&error).unwrap_or_else(|| damaged(&error.to_string()))),
        Err(_) => Err(damaged("its content contradicts itself")),
    }
}

fn damaged(reason: &str) -> io::Error {
    let reason = reason.trim_start_matches("Parquet error: ");
    MalformedInput::file(format!(
        "not a Parquet file, or a damaged one ({reason}); write the file again"
    ))
    .into_io()
}

/// An error of the operating system among the causes: the content is not at fault.
fn system_error(error: &(dyn std::error::Error + 'static)) -> Option<io::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(code) = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            return Some(io::Error::from_raw_os_error(code));
        }
        cause = error.source();
    }
    None
}

fn bytes(row: &Row<'_>) -> usize {
    let size = |value: &Value<'_>| match value {
        Value::Text(text) | Value::Cell(text) | Value::Number(text) | Value::Other(text) => {
            text.len()
        }
        Value::Missing => 0,
        _ => 8,
    };
    row.values.iter().map(size).sum::<usize>()
        + row.metadata.iter().map(|(key, value)| key.len() + size(value)).sum::<usize>()
}

/// A row as JSON, of the columns that were read.
fn original(batch: &RecordBatch, at: usize) -> String {
    let mut json = Vec::new();
    let written = LineDelimitedWriter::new(&mut json).write(&batch.slice(at, 1));
    written
        .map(|()| String::from_utf8_lossy(json.trim_ascii_end()).into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
