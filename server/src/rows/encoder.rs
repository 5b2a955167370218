//! Encodes record batches one at a time: at most one batch is held in memory.

use std::sync::Arc;

use mrrow_engine::arrow::array::RecordBatch;
use mrrow_engine::arrow::csv;
use mrrow_engine::arrow::datatypes::SchemaRef;
use mrrow_engine::arrow::error::ArrowError;
use mrrow_engine::arrow::ipc::writer::StreamWriter;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::format::RowFormat;
use super::json::{JsonRow, append_rows};
use super::nested::flatten;

/// Rows of a row group of a Parquet file: the rows that are held in memory until they are written.
const PARQUET_GROUP_ROWS: usize = 64 * 1024;

/// Encodes rows in a format.
///
/// ```
/// # use std::sync::Arc;
/// # use mrrow_engine::arrow::array::{Int64Array, RecordBatch};
/// # use mrrow_server::rows::{JsonRow, RowEncoder, RowFormat};
/// let rows = RecordBatch::try_from_iter([("mrr", Arc::new(Int64Array::from(vec![1900])) as _)])?;
/// let mut encoder = RowEncoder::new(RowFormat::Json, &rows.schema(), JsonRow::Object, "[")?;
/// let bytes = [encoder.write(&rows)?, encoder.finish("]")?].concat();
/// assert_eq!(bytes, br#"[{"mrr":1900}]"#);
/// # Ok::<(), mrrow_engine::arrow::error::ArrowError>(())
/// ```
pub struct RowEncoder(FormatEncoder);

enum FormatEncoder {
    Json { row: JsonRow, out: Vec<u8>, is_first: bool },
    Ndjson(Vec<u8>),
    Delimited { writer: Box<csv::Writer<Vec<u8>>>, delimiter: u8 },
    Arrow(Box<StreamWriter<Vec<u8>>>),
    Parquet(Box<ArrowWriter<Vec<u8>>>),
}

impl RowEncoder {
    /// An encoder of rows with this schema. A JSON document is the rows with commas between them,
    /// after `json_prefix` and before the suffix of [`RowEncoder::finish`]; `json_row` is ignored
    /// in other formats, and so are both texts.
    ///
    /// # Errors
    /// When the format does not support the type of a column.
    pub fn new(
        format: RowFormat,
        schema: &SchemaRef,
        json_row: JsonRow,
        json_prefix: &str,
    ) -> Result<RowEncoder, ArrowError> {
        let mut encoder = RowEncoder(match format {
            RowFormat::Json => {
                let out = json_prefix.as_bytes().to_vec();
                FormatEncoder::Json { row: json_row, out, is_first: true }
            }
            RowFormat::Ndjson => FormatEncoder::Ndjson(Vec::new()),
            RowFormat::Csv => delimited(b','),
            RowFormat::Tsv => delimited(b'\t'),
            RowFormat::Arrow => {
                FormatEncoder::Arrow(Box::new(StreamWriter::try_new(Vec::new(), schema)?))
            }
            RowFormat::Parquet => FormatEncoder::Parquet(Box::new(parquet_writer(schema)?)),
        });
        if matches!(encoder.0, FormatEncoder::Delimited { .. }) {
            // The writer emits the header with the first batch; without rows it is needed too.
            encoder.encode(&RecordBatch::new_empty(Arc::clone(schema)))?;
        }
        Ok(encoder)
    }

    /// Encodes rows and returns the bytes that are complete. They may belong to earlier rows, or be
    /// empty.
    ///
    /// # Errors
    /// When a value cannot be encoded.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        self.encode(rows)?;
        Ok(std::mem::take(match &mut self.0 {
            FormatEncoder::Json { out, .. } | FormatEncoder::Ndjson(out) => out,
            FormatEncoder::Delimited { writer, delimiter } => {
                // Only the end of a writer gives its buffer: continue with a new one.
                let next = csv_builder(*delimiter).with_header(false).build(Vec::new());
                return Ok(std::mem::replace(&mut **writer, next).into_inner());
            }
            FormatEncoder::Arrow(writer) => writer.get_mut(),
            FormatEncoder::Parquet(writer) => writer.inner_mut(),
        }))
    }

    /// The remaining bytes; `json_suffix` ends a JSON document.
    ///
    /// # Errors
    /// When a value cannot be encoded.
    pub fn finish(self, json_suffix: &str) -> Result<Vec<u8>, ArrowError> {
        match self.0 {
            FormatEncoder::Json { mut out, .. } => {
                out.extend_from_slice(json_suffix.as_bytes());
                Ok(out)
            }
            FormatEncoder::Ndjson(out) => Ok(out),
            FormatEncoder::Delimited { writer, .. } => Ok(writer.into_inner()),
            FormatEncoder::Arrow(mut writer) => {
                writer.finish()?;
                Ok(std::mem::take(writer.get_mut()))
            }
            FormatEncoder::Parquet(writer) => Ok(writer.into_inner()?),
        }
    }

    fn encode(&mut self, rows: &RecordBatch) -> Result<(), ArrowError> {
        match &mut self.0 {
            FormatEncoder::Json { row, out, is_first } => {
                append_rows(rows, *row, b",", is_first, out)
            }
            FormatEncoder::Ndjson(out) => {
                append_rows(rows, JsonRow::Object, b"\n", &mut true, out)?;
                if rows.num_rows() > 0 {
                    out.push(b'\n');
                }
                Ok(())
            }
            FormatEncoder::Delimited { writer, .. } => writer.write(&flatten(rows)?),
            FormatEncoder::Arrow(writer) => writer.write(rows),
            FormatEncoder::Parquet(writer) => Ok(writer.write(rows)?),
        }
    }
}

fn delimited(delimiter: u8) -> FormatEncoder {
    let writer = csv_builder(delimiter).with_header(true).build(Vec::new());
    FormatEncoder::Delimited { writer: Box::new(writer), delimiter }
}

fn csv_builder(delimiter: u8) -> csv::WriterBuilder {
    csv::WriterBuilder::new().with_delimiter(delimiter)
}

fn parquet_writer(schema: &SchemaRef) -> Result<ArrowWriter<Vec<u8>>, ArrowError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(PARQUET_GROUP_ROWS))
        .build();
    Ok(ArrowWriter::try_new(Vec::new(), Arc::clone(schema), Some(properties))?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use mrrow_engine::arrow::array::{ArrayRef, Decimal128Array, ListArray, StringArray};
    use mrrow_engine::arrow::datatypes::Int32Type;

    use super::super::cells::RowCells;
    use super::*;

    fn sample() -> RecordBatch {
        let half = Decimal128Array::from(vec![Some(95_000), None]);
        let half = half.with_precision_and_scale(24, 4).unwrap();
        let days = vec![Some(vec![Some(1), None]), None];
        let columns: [(&str, ArrayRef); 3] = [
            ("id", Arc::new(StringArray::from(vec!["a,\t1", "b"]))),
            ("half", Arc::new(half)),
            ("days", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(days))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn encode(format: RowFormat, row: JsonRow, batches: &[RecordBatch]) -> String {
        let mut encoder = RowEncoder::new(format, &sample().schema(), row, "<").unwrap();
        let mut bytes = Vec::new();
        for batch in batches {
            bytes.extend(encoder.write(batch).unwrap());
        }
        bytes.extend(encoder.finish(">").unwrap());
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn rows_have_one_text_in_every_format() {
        use JsonRow::{Array, Object};
        let (one, two) = (
            r#"{"id":"a,\t1","half":"9.5000","days":[1,null]}"#,
            r#"{"id":"b","half":null,"days":null}"#,
        );
        for (format, row, expected) in [
            (RowFormat::Json, Object, format!("<{one},{two}>")),
            (
                RowFormat::Json,
                Array,
                r#"<["a,\t1","9.5000",[1,null]],["b",null,null]>"#.to_string(),
            ),
            (RowFormat::Ndjson, Object, format!("{one}\n{two}\n")),
            (
                RowFormat::Csv,
                Object,
                "id,half,days\n\"a,\t1\",9.5000,\"[1,null]\"\nb,,\n".to_string(),
            ),
            (
                RowFormat::Tsv,
                Object,
                "id\thalf\tdays\n\"a,\t1\"\t9.5000\t[1,null]\nb\t\t\n".to_string(),
            ),
        ] {
            let rows = sample();
            assert_eq!(encode(format, row, std::slice::from_ref(&rows)), expected, "{format:?}");
            let single_rows = [rows.slice(0, 1), rows.slice(0, 0), rows.slice(1, 1)];
            assert_eq!(encode(format, row, &single_rows), expected, "{format:?} in three batches");
        }
    }

    #[test]
    fn output_without_rows_is_complete() {
        for (format, expected) in
            [(RowFormat::Json, "<>"), (RowFormat::Ndjson, ""), (RowFormat::Csv, "id,half,days\n")]
        {
            assert_eq!(encode(format, JsonRow::Object, &[]), expected, "{format:?}");
        }
    }

    #[test]
    fn cells_of_a_table_have_the_text_of_csv() {
        let cells = RowCells::of(&sample()).unwrap();
        let rows: Vec<Vec<String>> = cells.rows().unwrap().collect();
        assert_eq!(rows, [["a,\t1", "9.5000", "[1,null]"], ["b", "", ""]]);
    }
}
