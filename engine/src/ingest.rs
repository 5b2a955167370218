//! Ingest: bytes become valid rows, or rejections with a remedy.
//!
//! Every format turns a row into `row::values::Row`, a value for each field. From there on the way
//! is the same: `fields` reads each value, `rules` checks fields together, `table` collects the
//! rows into record batches. Bad content is never an error: it is a [`Rejection`], and the rows
//! around it stand.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::str::FromStr;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::model::ObjectType;

mod format;
mod output;
mod rejection;
mod row;
#[cfg(test)]
mod testing;

pub use rejection::{Code, FieldError, Rejection, Warning, WarningCode};
pub use row::{Dialect, RowSources, decoded_schema, field_name, is_field};
pub(crate) use row::{ignore, record_fields, unknown_customer};

use format::source::{MalformedInput, Source};
use format::{csv, json, ndjson, parquet, sniff, source};
use output::Output;

/// The format of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Objects, arrays of them, `{"invoices": [...]}`, or several of these one after another.
    Json,
    /// One JSON object on each line.
    Ndjson,
    /// Comma-separated, with field names (and `metadata.KEY`) in the first line.
    Csv,
    /// Apache Parquet, a column for each field.
    Parquet,
}

/// Options of decoding.
#[derive(Debug, Clone)]
pub struct DecodeOptions {
    /// The value of the column `data_source`, unless rows name theirs.
    pub data_source: String,
    /// Rows name their data source, in a field `data_source`: it must be one of these.
    pub row_sources: Option<Arc<RowSources>>,
    /// The type of the objects; without it only JSON such as `{"invoices": [...]}`, which names it,
    /// can be read. JSON that names another type is read as that type.
    pub object: Option<ObjectType>,
    /// The format; found out from the first bytes when not given. Compression is always found out.
    pub format: Option<Format>,
    /// What a sender may leave out.
    pub dialect: Dialect,
    /// Renames fields and columns, theirs to ours; ours may be `metadata.KEY`. See [`is_field`].
    /// One of our names that is mapped to is no longer read under that name itself.
    pub map: HashMap<String, String>,
    /// The account's zone: it orders two period dates of which one or both name no zone.
    pub timezone: Tz,
    /// The most rows of one [`Decoded`].
    pub batch_rows: usize,
    /// The longest JSON object, NDJSON line, CSV record or Parquet row, in bytes.
    pub row_bytes_max: usize,
    /// How many bytes the input has as it comes, if that is known: room is made for no more of it.
    pub input_bytes: usize,
}

/// One step of progress: at most `batch_rows` rows and rejections of one type.
#[derive(Debug)]
pub struct Decoded {
    /// The type of the rows; `None` when it never became known, then there are no rows.
    pub object: Option<ObjectType>,
    /// The valid rows, in the columns of [`decoded_schema`].
    pub rows: RecordBatch,
    /// The rows refused.
    pub rejections: Vec<Rejection>,
    /// What is odd about rows that were accepted.
    pub warnings: Vec<Warning>,
    /// Fields that the type does not have, each with the number of rows that had it.
    pub ignored_fields: BTreeMap<String, u64>,
    /// Bytes of the (compressed) input consumed since the start.
    pub bytes_read: u64,
}

/// Why decoding ended early; what is wrong with the content is never among the reasons.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError<E> {
    /// The input could not be read, or the temporary file not written.
    #[error("read the input: {0}")]
    Io(#[from] io::Error),
    /// The consumer stopped it.
    #[error("{0}")]
    Stopped(E),
}

/// Reads a stream and hands on its rows step by step, in memory that does not grow with the input.
/// Parquet, which is read from its end, is first copied to a temporary file; [`decode_file`] avoids
/// that.
///
/// ```
/// # use mrrow_engine::{ingest::{DecodeOptions, decode}, model::ObjectType};
/// let options = DecodeOptions { object: Some(ObjectType::Customers), ..DecodeOptions::default() };
/// let input = r#"[{"id": "c1", "name": "Acme"}, {"id": 2}]"#;
/// let (mut rows, mut codes) = (0, Vec::new());
/// decode(Box::new(input.as_bytes()), &options, |step| {
///     rows += step.rows.num_rows();
///     codes.extend(step.rejections.iter().flat_map(|row| &row.errors).map(|error|
///     error.code.as_str()));
///     Ok::<(), std::convert::Infallible>(())
/// })?;
/// assert_eq!((rows, codes), (1, vec!["wrong_type", "required"]));
/// # Ok::<(), mrrow_engine::ingest::DecodeError<std::convert::Infallible>>(())
/// ```
pub fn decode<E>(
    input: Box<dyn Read + Send>,
    options: &DecodeOptions,
    emit: impl FnMut(Decoded) -> Result<(), E>,
) -> Result<(), DecodeError<E>> {
    stoppable(emit, |step| {
        let is_enough = |head: &[u8]| match options.format {
            None | Some(Format::Json) => sniff::is_clear(head),
            Some(_) => head.len() >= BOM_BYTES,
        };
        let source = Source::open(input, options.input_bytes, is_enough)?;
        let mut output = Output::new(options, source.bytes_read(), step);
        let result = read_stream(source, options, &mut output);
        finish(result, &mut output)
    })
}

/// Reads a file like [`decode`]; Parquet is read where it is.
pub fn decode_file<E>(
    mut file: File,
    options: &DecodeOptions,
    emit: impl FnMut(Decoded) -> Result<(), E>,
) -> Result<(), DecodeError<E>> {
    if !is_plain_parquet(&mut file)? {
        return decode(Box::new(file), options, emit);
    }
    stoppable(emit, |step| {
        let (bytes, total) = (source::Counter::default(), file.metadata()?.len());
        let mut output = Output::new(options, bytes.clone(), step);
        // The bytes are not read in order; the share of the rows stands for them.
        let progress = |rows: u64, of: u64| bytes.set(share(total, rows, of));
        let result = parquet::read(file, options, &mut output, &progress);
        bytes.set(total);
        finish(result, &mut output)
    })
}

/// Bytes of the mark that some programs write before UTF-8.
const BOM_BYTES: usize = 3;

fn read_stream(source: Source, options: &DecodeOptions, output: &mut Output<'_>) -> io::Result<()> {
    let head = source.peek();
    let format = match options.format {
        None => sniff::format(head),
        Some(Format::Json) => sniff::json_or_lines(head),
        Some(format) => format,
    };
    match format {
        Format::Json => json::read(&mut source.buffered(), options, output),
        Format::Ndjson => ndjson::read(&mut source.buffered(), options, output),
        Format::Csv => csv::read(&mut source.buffered(), options, output),
        Format::Parquet => parquet::read(source.spooled()?, options, output, &|_, _| {}),
    }
}

/// What made the rest of the input unreadable becomes a rejection after the rows before it.
fn finish(result: io::Result<()>, output: &mut Output<'_>) -> io::Result<()> {
    if let Err(error) = result {
        output.reject(MalformedInput::from_io(error)?.rejection())?;
    }
    output.finish()
}

/// Runs `work` with an `emit` that keeps the consumer's own error aside and ends the work with a
/// stand-in.
fn stoppable<E>(
    mut emit: impl FnMut(Decoded) -> Result<(), E>,
    work: impl FnOnce(&mut dyn FnMut(Decoded) -> io::Result<()>) -> io::Result<()>,
) -> Result<(), DecodeError<E>> {
    let mut stopped = None;
    let result = work(&mut |decoded| {
        emit(decoded).map_err(|error| {
            stopped = Some(error);
            io::Error::other("stopped by the consumer")
        })
    });
    match stopped {
        Some(error) => Err(DecodeError::Stopped(error)),
        None => Ok(result?),
    }
}

fn share(total: u64, part: u64, of: u64) -> u64 {
    let share = u128::from(total) * u128::from(part) / u128::from(of.max(1));
    u64::try_from(share).map_or(total, |share| share.min(total))
}

fn is_plain_parquet(file: &mut File) -> io::Result<bool> {
    if !file.metadata()?.is_file() {
        return Ok(false);
    }
    let mut magic = Vec::with_capacity(sniff::PARQUET_MAGIC.len());
    file.by_ref().take(sniff::PARQUET_MAGIC.len() as u64).read_to_end(&mut magic)?;
    file.rewind()?;
    Ok(magic == sniff::PARQUET_MAGIC)
}

impl Default for DecodeOptions {
    fn default() -> Self {
        DecodeOptions {
            data_source: crate::model::DEFAULT_DATA_SOURCE.to_string(),
            row_sources: None,
            object: None,
            format: None,
            dialect: Dialect::default(),
            map: HashMap::new(),
            timezone: Tz::UTC,
            batch_rows: 8192,
            row_bytes_max: 1 << 20,
            input_bytes: usize::MAX,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Csv => "csv",
            Format::Parquet => "parquet",
        })
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(Format::Json),
            "ndjson" => Ok(Format::Ndjson),
            "csv" => Ok(Format::Csv),
            "parquet" => Ok(Format::Parquet),
            _ => Err(format!("\"{text}\" is not a format; use json, ndjson, csv or parquet")),
        }
    }
}
