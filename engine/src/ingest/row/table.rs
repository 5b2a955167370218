//! The rows of one type, on their way from values to record batches.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, FixedSizeBinaryBuilder, RecordBatch, StringBuilder, UInt64Builder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono_tz::Tz;

use super::fields;
use super::{hash, metadata, rules};
use crate::ingest::rejection::{
    Code, FieldError, ORIGINAL_BYTES_MAX, Rejection, Warning, clip, clip_bytes,
};
use crate::ingest::row::column_builder::{ColumnBuilder, TEXT_BYTES};
use crate::ingest::row::dialect::Dialect;
use crate::ingest::row::errors::RowErrors;
use crate::ingest::row::fields::{FieldType, FieldValue, Spec};
use crate::ingest::row::row_sources::RowSources;
use crate::ingest::row::values::{FIELDS_MAX, Names, Row, SOURCE_FIELD};
use crate::ingest::{DecodeOptions, Decoded};
use crate::model::ObjectType;
use crate::tables::{HASH_BYTES, record_schema};

/// A batch is emitted after this number of input bytes, even with few rows.
const BATCH_BYTES_MAX: usize = 16 << 20;

/// The maximum of distinct names of ignored fields; others are counted under [`OTHER_FIELDS`].
const IGNORED_NAMES_MAX: usize = 1000;
const OTHER_FIELDS: &str = "(others)";

/// The capacity of builders: a row for this number of input bytes, up to this number of rows.
const ROW_BYTES: usize = 128;
const ROWS_EXPECTED_MAX: usize = 1024;

/// The columns of decoded rows: those of `record_schema`, then `_line`, the place in the input
/// ([`Rejection::line`]).
pub fn decoded_schema(object: ObjectType) -> SchemaRef {
    static SCHEMAS: LazyLock<[SchemaRef; ObjectType::ALL.len()]> = LazyLock::new(|| {
        ObjectType::ALL.map(|object| {
            let mut fields: Vec<_> = record_schema(object).fields().to_vec();
            fields.push(Arc::new(Field::new("_line", DataType::UInt64, false)));
            Arc::new(Schema::new(fields))
        })
    });
    Arc::clone(&SCHEMAS[object as usize])
}

/// The rows of one type since the last batch.
pub(in crate::ingest) struct RowTable {
    pub(in crate::ingest) names: Names,
    pub(in crate::ingest) object: ObjectType,
    specs: Vec<Spec>,
    dialect: Dialect,
    /// The data source of rows that do not name one.
    data_source: Arc<str>,
    row_sources: Option<Arc<RowSources>>,
    timezone: Tz,
    sources: StringBuilder,
    columns: Vec<ColumnBuilder>,
    hashes: FixedSizeBinaryBuilder,
    lines: UInt64Builder,
    rows: usize,
    bytes: usize,
    rejections: Vec<Rejection>,
    warnings: Vec<Warning>,
    ignored: BTreeMap<String, u64>,
    scratch: Vec<u8>,
}

impl RowTable {
    pub(in crate::ingest) fn new(object: ObjectType, options: &DecodeOptions) -> Self {
        let specs = fields::specs(object);
        let rows = (options.input_bytes / ROW_BYTES).clamp(1, ROWS_EXPECTED_MAX);
        RowTable {
            names: Names::new(object, &options.map, options.row_sources.is_some()),
            object,
            columns: specs.iter().map(|spec| ColumnBuilder::new(spec.kind, rows)).collect(),
            specs,
            dialect: options.dialect,
            data_source: options.data_source.as_str().into(),
            row_sources: options.row_sources.clone(),
            sources: StringBuilder::with_capacity(rows, rows * TEXT_BYTES),
            timezone: options.timezone,
            hashes: FixedSizeBinaryBuilder::with_capacity(rows, HASH_BYTES),
            lines: UInt64Builder::with_capacity(rows),
            rows: 0,
            bytes: 0,
            rejections: Vec::new(),
            warnings: Vec::new(),
            ignored: BTreeMap::new(),
            scratch: Vec::new(),
        }
    }

    /// Whether a record may have lists under the names of other types: GrowPanel's clients may send
    /// any field.
    pub(in crate::ingest) fn takes_other_lists(&self) -> bool {
        self.dialect == Dialect::Clients
    }

    /// Takes a row of this number of bytes; it becomes a stored row or a rejection.
    pub(in crate::ingest) fn add(
        &mut self,
        line: u64,
        mut row: Row<'_>,
        original: impl FnOnce() -> String,
        bytes: usize,
    ) {
        self.bytes += bytes;
        self.dialect.complete(self.object, &mut row);
        let mut errors = RowErrors::new(&self.names, row.naming);
        let source = self.source(&row, &mut errors);
        let parsed = parse(&self.specs, &row, self.dialect, &mut errors);
        if self.object == ObjectType::Invoices {
            rules::check_invoice(&parsed, self.timezone, &mut errors);
        }
        let errors = errors.into_list();
        if errors.is_empty() {
            self.append(line, &source, &parsed);
        } else {
            let id = text(&parsed[0]);
            let original = clip(&original(), ORIGINAL_BYTES_MAX);
            self.rejections.push(Rejection {
                line: Some(line),
                index: None,
                object: Some(self.object),
                id,
                errors,
                original,
            });
        }
    }

    /// Rejects a row that could not be read.
    pub(in crate::ingest) fn reject(&mut self, line: u64, error: FieldError, bytes: &[u8]) {
        let original = clip_bytes(bytes, ORIGINAL_BYTES_MAX);
        self.bytes += bytes.len();
        self.rejections.push(Rejection {
            line: Some(line),
            index: None,
            object: Some(self.object),
            id: None,
            errors: vec![error],
            original,
        });
    }

    /// Counts an unknown field.
    pub(in crate::ingest) fn ignore(&mut self, name: &str, rows: u64) {
        ignore(&mut self.ignored, name, rows);
    }

    pub(in crate::ingest) fn is_full(&self, batch_rows: usize) -> bool {
        self.rows + self.rejections.len() >= batch_rows.max(1) || self.bytes >= BATCH_BYTES_MAX
    }

    /// Returns everything read since the last batch.
    pub(in crate::ingest) fn take(&mut self, bytes_read: u64) -> Decoded {
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(self.sources.finish())];
        self.columns.iter_mut().for_each(|column| column.finish(&mut arrays));
        arrays.push(Arc::new(self.hashes.finish()));
        arrays.push(Arc::new(self.lines.finish()));
        let rows = RecordBatch::try_new(decoded_schema(self.object), arrays)
            .expect("the columns are built for the schema");
        (self.rows, self.bytes) = (0, 0);
        Decoded {
            object: Some(self.object),
            rows,
            rejections: std::mem::take(&mut self.rejections),
            warnings: std::mem::take(&mut self.warnings),
            ignored_fields: std::mem::take(&mut self.ignored),
            bytes_read,
        }
    }

    /// The data source of a row; any if the row has an error there.
    fn source(&self, row: &Row<'_>, errors: &mut RowErrors<'_>) -> Arc<str> {
        let Some(sources) = &self.row_sources else { return Arc::clone(&self.data_source) };
        sources.of(&row.source).unwrap_or_else(|(code, message)| {
            let value = row.source.text();
            errors.field(
                SOURCE_FIELD,
                code,
                message,
                value.as_deref().filter(|_| code != Code::Required),
            );
            Arc::clone(&self.data_source)
        })
    }

    fn append(&mut self, line: u64, source: &str, parsed: &[FieldValue<'_>; FIELDS_MAX]) {
        let fields = &parsed[..self.specs.len()];
        for (column, value) in self.columns.iter_mut().zip(fields) {
            column.append(value);
        }
        self.sources.append_value(source);
        let hash = hash::content(source, &self.specs, fields, &mut self.scratch);
        self.hashes.append_value(hash).expect("a hash has the width of its column");
        self.lines.append_value(line);
        self.rows += 1;
        if self.object == ObjectType::Invoices
            && let Some((code, message)) = rules::oddity(parsed)
        {
            let id = text(&parsed[0]).unwrap_or_default();
            self.warnings.push(Warning { line, id, code, message: message.to_string() });
        }
    }
}

/// Counts a name, in bounded memory.
pub(crate) fn ignore(ignored: &mut BTreeMap<String, u64>, name: &str, rows: u64) {
    if let Some(count) = ignored.get_mut(name) {
        *count += rows;
        return;
    }
    let name = if ignored.len() < IGNORED_NAMES_MAX {
        clip(name, IGNORED_NAMES_MAX)
    } else {
        OTHER_FIELDS.to_string()
    };
    *ignored.entry(name).or_default() += rows;
}

fn parse<'v>(
    specs: &[Spec],
    row: &'v Row<'v>,
    dialect: Dialect,
    errors: &mut RowErrors<'_>,
) -> [FieldValue<'v>; FIELDS_MAX] {
    refuse_repeated(specs, row, errors);
    std::array::from_fn(|at| {
        let Some(spec) = specs.get(at) else { return FieldValue::Missing };
        let value = &row.values[at];
        let name = match spec.other {
            Some(other) if row.is_other(at, spec.name, dialect) => other,
            _ => spec.name,
        };
        if spec.kind == FieldType::Metadata {
            return metadata::parse(value, &row.metadata, name, errors);
        }
        fields::parse(spec, name, value).unwrap_or_else(|(code, message)| {
            errors.field(
                name,
                code,
                message,
                value.text().as_deref().filter(|_| code != Code::Required),
            );
            FieldValue::Invalid
        })
    })
}

/// Reports fields that came more than once, or in both spellings with different values.
fn refuse_repeated(specs: &[Spec], row: &Row<'_>, errors: &mut RowErrors<'_>) {
    for place in &row.repeated {
        let spec = &specs[place.field];
        let name = spec.other.filter(|_| place.is_other).unwrap_or(spec.name);
        let message = format!("\"{name}\" is given twice; remove one of the two");
        errors.field(name, Code::DuplicateKey, message, None);
    }
    for (field, other) in
        row.contradicted.iter().filter_map(|field| Some((*field, specs[*field].other?)))
    {
        let name = specs[field].name;
        let message = format!(
            "\"{name}\" and \"{other}\" are the same field and differ; send one of the two"
        );
        errors.field(name, Code::DuplicateKey, message, row.values[field].text().as_deref());
    }
}

fn text(value: &FieldValue<'_>) -> Option<String> {
    match value {
        FieldValue::Text(text) => Some(text.to_string()),
        _ => None,
    }
}
