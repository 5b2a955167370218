//! Record batches become bytes of a form, batch by batch: nothing is held but what is not yet
//! taken.

use std::fmt::Write;
use std::sync::Arc;

use mrrow_engine::arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use mrrow_engine::arrow::csv;
use mrrow_engine::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use mrrow_engine::arrow::error::ArrowError;
use mrrow_engine::arrow::ipc::writer::StreamWriter;
use mrrow_engine::arrow::json::writer::make_encoder;
use mrrow_engine::arrow::json::{
    Encoder as JsonEncoder, EncoderFactory, EncoderOptions, writer::NullableEncoder,
};
use mrrow_engine::arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::format::Format;

/// Rows of a row group of a Parquet answer: what is held in memory until it is sent.
const PARQUET_GROUP_ROWS: usize = 64 * 1024;

/// What a row is in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonRow {
    Object,
    Array,
}

/// Rows on their way to bytes.
pub(crate) struct Encoder {
    writer: Writer,
}

enum Writer {
    Json { row: JsonRow, suffix: String, out: Vec<u8>, begun: bool },
    Ndjson(Vec<u8>),
    Csv(Box<csv::Writer<Vec<u8>>>),
    Arrow(Box<StreamWriter<Vec<u8>>>),
    Parquet(Box<ArrowWriter<Vec<u8>>>),
}

impl Encoder {
    /// Begins an answer. A JSON document is the rows, with commas between, after the prefix and
    /// before the suffix.
    ///
    /// # Errors
    /// When the form has no room for a column's type.
    pub(crate) fn begin(
        format: Format,
        schema: &SchemaRef,
        row: JsonRow,
        (prefix, suffix): (String, String),
    ) -> Result<Encoder, ArrowError> {
        let writer = match format {
            Format::Json => Writer::Json { row, suffix, out: prefix.into_bytes(), begun: false },
            Format::Ndjson => Writer::Ndjson(Vec::new()),
            Format::Csv => {
                Writer::Csv(Box::new(csv::WriterBuilder::new().with_header(true).build(Vec::new())))
            }
            Format::Arrow => Writer::Arrow(Box::new(StreamWriter::try_new(Vec::new(), schema)?)),
            Format::Parquet => Writer::Parquet(Box::new(parquet_writer(schema)?)),
        };
        let mut encoder = Encoder { writer };
        // Without a row there would be no header.
        if format == Format::Csv {
            encoder.encode(&RecordBatch::new_empty(Arc::clone(schema)))?;
        }
        Ok(encoder)
    }

    /// Takes rows, and gives the bytes that are ready; they may be those of earlier rows, or none
    /// yet.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        self.encode(rows)?;
        Ok(std::mem::take(match &mut self.writer {
            Writer::Json { out, .. } | Writer::Ndjson(out) => out,
            // Its buffer is its own; it comes with the end, or once it is long.
            Writer::Csv(writer) => return take_csv(writer),
            Writer::Arrow(writer) => writer.get_mut(),
            Writer::Parquet(writer) => writer.inner_mut(),
        }))
    }

    /// The bytes that are left. A suffix takes the place of the one that was told at the beginning.
    pub(crate) fn finish(self, suffix: Option<String>) -> Result<Vec<u8>, ArrowError> {
        match self.writer {
            Writer::Json { mut out, suffix: told, .. } => {
                out.extend_from_slice(suffix.unwrap_or(told).as_bytes());
                Ok(out)
            }
            Writer::Ndjson(out) => Ok(out),
            Writer::Csv(writer) => Ok(writer.into_inner()),
            Writer::Arrow(mut writer) => {
                writer.finish()?;
                Ok(std::mem::take(writer.get_mut()))
            }
            Writer::Parquet(writer) => Ok(writer.into_inner()?),
        }
    }

    fn encode(&mut self, rows: &RecordBatch) -> Result<(), ArrowError> {
        match &mut self.writer {
            Writer::Json { row, out, begun, .. } => encode_json(rows, *row, b",", out, begun),
            Writer::Ndjson(out) => {
                encode_json(rows, JsonRow::Object, b"\n", out, &mut false)?;
                if rows.num_rows() > 0 {
                    out.push(b'\n');
                }
                Ok(())
            }
            Writer::Csv(writer) => writer.write(&flat(rows)?),
            Writer::Arrow(writer) => writer.write(rows),
            Writer::Parquet(writer) => Ok(writer.write(rows)?),
        }
    }
}

fn take_csv(writer: &mut csv::Writer<Vec<u8>>) -> Result<Vec<u8>, ArrowError> {
    // The writer has no way to its buffer but its end: it begins anew, without a header.
    let next = csv::WriterBuilder::new().with_header(false).build(Vec::new());
    Ok(std::mem::replace(writer, next).into_inner())
}

fn parquet_writer(schema: &SchemaRef) -> Result<ArrowWriter<Vec<u8>>, ArrowError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(PARQUET_GROUP_ROWS))
        .build();
    Ok(ArrowWriter::try_new(Vec::new(), Arc::clone(schema), Some(properties))?)
}

/// Appends rows with a separator between them; before the first one, too, where something went
/// before.
fn encode_json(
    rows: &RecordBatch,
    row: JsonRow,
    separator: &[u8],
    out: &mut Vec<u8>,
    begun: &mut bool,
) -> Result<(), ArrowError> {
    let options = json_options();
    let schema = rows.schema();
    let mut encoders: Vec<NullableEncoder<'_>> = schema
        .fields()
        .iter()
        .zip(rows.columns())
        .map(|(field, column)| make_encoder(field, column.as_ref(), &options))
        .collect::<Result<_, _>>()?;
    let names: Vec<String> =
        schema.fields().iter().map(|field| format!("{}:", json_text(field.name()))).collect();
    let (open, close) = if row == JsonRow::Object { (b'{', b'}') } else { (b'[', b']') };
    for at in 0..rows.num_rows() {
        if std::mem::replace(begun, true) {
            out.extend_from_slice(separator);
        }
        out.push(open);
        for (column, encoder) in encoders.iter_mut().enumerate() {
            if column > 0 {
                out.push(b',');
            }
            if row == JsonRow::Object {
                out.extend_from_slice(names[column].as_bytes());
            }
            match encoder.is_null(at) {
                true => out.extend_from_slice(b"null"),
                false => encoder.encode(at, out),
            }
        }
        out.push(close);
    }
    Ok(())
}

/// A text as JSON has it.
pub(crate) fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn json_options() -> EncoderOptions {
    EncoderOptions::default().with_explicit_nulls(true).with_encoder_factory(Arc::new(ExactNumbers))
}

/// JSON numbers are floats to many readers, so decimals are strings.
#[derive(Debug)]
struct ExactNumbers;

impl EncoderFactory for ExactNumbers {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        const PLAIN: FormatOptions<'static> = FormatOptions::new();
        if !array.data_type().is_decimal() {
            return Ok(None);
        }
        let digits = Digits(ArrayFormatter::try_new(array, &PLAIN)?);
        Ok(Some(NullableEncoder::new(Box::new(digits), array.nulls().cloned())))
    }
}

struct Digits<'a>(ArrayFormatter<'a>);

impl JsonEncoder for Digits<'_> {
    fn encode(&mut self, at: usize, out: &mut Vec<u8>) {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = write!(text, "\"{}\"", self.0.value(at));
        out.extend_from_slice(text.as_bytes());
    }
}

/// CSV has no nested values: they are written as JSON.
fn flat(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = rows.schema();
    if schema.fields().iter().all(|field| !field.data_type().is_nested()) {
        return Ok(rows.clone());
    }
    let mut fields = Vec::with_capacity(schema.fields().len());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for (field, column) in schema.fields().iter().zip(rows.columns()) {
        if !field.data_type().is_nested() {
            fields.push(Arc::clone(field));
            columns.push(Arc::clone(column));
            continue;
        }
        fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
        columns.push(Arc::new(json_texts(field, column)?));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn json_texts(field: &FieldRef, column: &ArrayRef) -> Result<StringArray, ArrowError> {
    let options = json_options();
    let mut encoder = make_encoder(field, column.as_ref(), &options)?;
    let mut text = |at: usize| {
        let mut out = Vec::new();
        encoder.encode(at, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    };
    Ok((0..column.len()).map(|at| column.is_valid(at).then(|| text(at))).collect())
}
