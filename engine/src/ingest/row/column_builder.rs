//! The builder of one field's Arrow columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
    new_null_array,
};
use arrow::datatypes::{DataType, TimeUnit};

use crate::ingest::row::fields::{FieldType, FieldValue};

/// The capacity in bytes for the text of one column in a row.
pub(super) const TEXT_BYTES: usize = 16;

/// The builder of a field's column, or of a date's two columns; it allocates on the first value.
pub(super) struct ColumnBuilder {
    kind: FieldType,
    rows_expected: usize,
    /// The number of rows before the first value.
    nulls: usize,
    values: Option<Values>,
}

impl ColumnBuilder {
    pub(super) fn new(kind: FieldType, rows_expected: usize) -> Self {
        ColumnBuilder { kind, rows_expected, nulls: 0, values: None }
    }

    pub(super) fn append(&mut self, value: &FieldValue<'_>) {
        if let Some(values) = &mut self.values {
            return values.append(value);
        }
        if matches!(value, FieldValue::Missing | FieldValue::Invalid) {
            self.nulls += 1;
            return;
        }
        let mut values =
            Values::of_nulls(self.kind, std::mem::take(&mut self.nulls), self.rows_expected);
        values.append(value);
        self.values = Some(values);
    }

    /// Returns the finished columns.
    pub(super) fn finish(&mut self, arrays: &mut Vec<ArrayRef>) {
        let rows = std::mem::take(&mut self.nulls);
        arrays.extend(self.values.take().map_or_else(|| nulls(self.kind, rows), Values::finish));
    }
}

/// This number of rows without a value.
fn nulls(kind: FieldType, rows: usize) -> Vec<ArrayRef> {
    let of = |data_type: DataType| new_null_array(&data_type, rows);
    match kind {
        FieldType::Whole { .. } => vec![of(DataType::Int64)],
        FieldType::Flag => vec![of(DataType::Boolean)],
        FieldType::Date => {
            vec![of(DataType::Timestamp(TimeUnit::Microsecond, None)), of(DataType::Boolean)]
        }
        _ => vec![of(DataType::Utf8)],
    }
}

enum Values {
    Text(StringBuilder),
    Whole(Int64Builder),
    Flag(BooleanBuilder),
    Date(TimestampMicrosecondBuilder, BooleanBuilder),
}

impl Values {
    /// This number of rows without a value, with capacity for others.
    fn of_nulls(kind: FieldType, nulls: usize, rows_expected: usize) -> Self {
        let rows = rows_expected.max(nulls + 1);
        let flags = || BooleanBuilder::with_capacity(rows);
        let mut values = match kind {
            FieldType::Whole { .. } => Values::Whole(Int64Builder::with_capacity(rows)),
            FieldType::Flag => Values::Flag(flags()),
            FieldType::Date => {
                Values::Date(TimestampMicrosecondBuilder::with_capacity(rows), flags())
            }
            _ => Values::Text(StringBuilder::with_capacity(rows, rows_expected * TEXT_BYTES)),
        };
        (0..nulls).for_each(|_| values.append(&FieldValue::Missing));
        values
    }

    fn append(&mut self, value: &FieldValue<'_>) {
        match (self, value) {
            (Values::Text(text), FieldValue::Text(value)) => text.append_value(value),
            (Values::Whole(whole), FieldValue::Whole(value)) => whole.append_value(*value),
            (Values::Flag(flag), FieldValue::Flag(value)) => flag.append_value(*value),
            (Values::Date(time, zoned), FieldValue::ParsedTime(value)) => {
                time.append_value(value.micros);
                zoned.append_value(value.zoned);
            }
            (Values::Text(text), _) => text.append_null(),
            (Values::Whole(whole), _) => whole.append_null(),
            (Values::Flag(flag), _) => flag.append_null(),
            (Values::Date(time, zoned), _) => {
                time.append_null();
                zoned.append_null();
            }
        }
    }

    fn finish(self) -> Vec<ArrayRef> {
        match self {
            Values::Text(mut text) => vec![Arc::new(text.finish())],
            Values::Whole(mut whole) => vec![Arc::new(whole.finish())],
            Values::Flag(mut flag) => vec![Arc::new(flag.finish())],
            Values::Date(mut time, mut zoned) => {
                vec![Arc::new(time.finish()), Arc::new(zoned.finish())]
            }
        }
    }
}
