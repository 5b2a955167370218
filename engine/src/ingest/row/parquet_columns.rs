//! The columns of a Parquet file as values of fields.

use std::borrow::Cow;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, MapArray, StringArray, StringViewArray,
    StructArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;

use crate::ingest::row::dates::ParsedTime;
use crate::ingest::row::values::{FieldTarget, Row, Value};

const DAY: i64 = 86_400_000_000;

/// A column of one batch, brought to the few types that values have.
pub(in crate::ingest) enum ParquetColumn {
    Text(StringViewArray),
    /// Decimals, floats and unsigned numbers, as text.
    Number(StringArray),
    Whole(Int64Array),
    Flag(BooleanArray),
    Time {
        ticks: Int64Array,
        unit: Unit,
        is_zoned: bool,
    },
    /// Named values: the fields of a struct.
    Struct {
        array: StructArray,
        children: Vec<(String, ParquetColumn)>,
    },
    /// Named values of a map: its keys, and all values.
    Map {
        array: MapArray,
        keys: StringViewArray,
        values: Box<ParquetColumn>,
    },
    Other(ArrayRef),
}

/// The unit of a time.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) enum Unit {
    /// This number of microseconds.
    Micros(i64),
    Nanos,
}

impl ParquetColumn {
    pub(in crate::ingest) fn new(array: &ArrayRef) -> Result<Self, ArrowError> {
        use DataType::{
            Boolean, Date32, Date64, Decimal32, Decimal64, Decimal128, Decimal256, Dictionary,
            Float16, Float32, Float64, Int8, Int16, Int32, Int64, LargeUtf8, Map, Null, Struct,
            Timestamp, UInt8, UInt16, UInt32, UInt64, Utf8, Utf8View,
        };
        let to = |data_type| cast(array, &data_type);
        Ok(match array.data_type() {
            Utf8 | LargeUtf8 | Utf8View => {
                ParquetColumn::Text(to(Utf8View)?.as_string_view().clone())
            }
            // A column of nothing but nulls, as some writers type it.
            Null => ParquetColumn::new(&new_null_array(&Utf8View, array.len()))?,
            Boolean => ParquetColumn::Flag(array.as_boolean().clone()),
            Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 => {
                ParquetColumn::Whole(to(Int64)?.as_primitive().clone())
            }
            Float16 => ParquetColumn::new(&to(Float32)?)?,
            UInt64 | Float32 | Float64 | Decimal32(..) | Decimal64(..) | Decimal128(..)
            | Decimal256(..) => ParquetColumn::Number(to(Utf8)?.as_string().clone()),
            Date32 => ParquetColumn::time(&to(Int32)?, Unit::Micros(DAY), false)?,
            Date64 => ParquetColumn::time(array, Unit::Micros(1000), false)?,
            Timestamp(unit, zone) => ParquetColumn::time(array, Unit::from(*unit), zone.is_some())?,
            Dictionary(_, value) => ParquetColumn::new(&to(value.as_ref().clone())?)?,
            Struct(fields) => {
                let array = array.as_struct().clone();
                let children = fields.iter().zip(array.columns());
                let children = children
                    .map(|(field, child)| Ok((field.name().clone(), ParquetColumn::new(child)?)));
                ParquetColumn::Struct {
                    children: children.collect::<Result<_, ArrowError>>()?,
                    array,
                }
            }
            Map(..) => match ParquetColumn::new(array.as_map().keys())? {
                ParquetColumn::Text(keys) => {
                    let array = array.as_map().clone();
                    ParquetColumn::Map {
                        values: Box::new(ParquetColumn::new(array.values())?),
                        keys,
                        array,
                    }
                }
                _ => ParquetColumn::Other(array.clone()),
            },
            _ => ParquetColumn::Other(array.clone()),
        })
    }

    fn time(array: &ArrayRef, unit: Unit, is_zoned: bool) -> Result<Self, ArrowError> {
        let ticks = cast(array, &DataType::Int64)?.as_primitive().clone();
        Ok(ParquetColumn::Time { ticks, unit, is_zoned })
    }

    /// Assigns the value of one row of the batch to its field.
    pub(in crate::ingest) fn put<'c>(
        &'c self,
        at: usize,
        target: &'c FieldTarget,
        is_metadata: bool,
        row: &mut Row<'c>,
    ) {
        match (target, self) {
            (FieldTarget::Ignored, _) => {}
            (FieldTarget::Source, _) => row.source = self.value(at),
            (FieldTarget::Metadata(key), _) => {
                row.metadata.push((key.as_str().into(), self.value(at)))
            }
            (FieldTarget::Field(_), ParquetColumn::Struct { array, children }) if is_metadata => {
                if array.is_valid(at) {
                    row.metadata.extend(
                        children.iter().map(|(key, child)| (key.as_str().into(), child.value(at))),
                    );
                }
            }
            (FieldTarget::Field(_), ParquetColumn::Map { array, keys, values }) if is_metadata => {
                if array.is_valid(at) {
                    let (start, end) = (
                        array.value_offsets()[at] as usize,
                        array.value_offsets()[at + 1] as usize,
                    );
                    row.metadata.extend(
                        (start..end).map(|entry| (keys.value(entry).into(), values.value(entry))),
                    );
                }
            }
            // The text of metadata is JSON, as a cell's may be.
            (FieldTarget::Field(field), ParquetColumn::Text(array))
                if is_metadata && array.is_valid(at) =>
            {
                row.set(*field, Value::Cell(array.value(at).into()));
            }
            (FieldTarget::Field(field), _) => row.set(*field, self.value(at)),
        }
    }

    fn value(&self, at: usize) -> Value<'_> {
        match self {
            column if column.is_null(at) => Value::Missing,
            ParquetColumn::Text(array) => Value::Text(array.value(at).into()),
            // A float may be infinite or none.
            ParquetColumn::Number(array)
                if !array.value(at).ends_with(|last: char| last.is_ascii_digit()) =>
            {
                Value::Other(array.value(at).into())
            }
            ParquetColumn::Number(array) => Value::Number(array.value(at).into()),
            ParquetColumn::Whole(array) => Value::Whole(array.value(at)),
            ParquetColumn::Flag(array) => Value::Flag(array.value(at)),
            ParquetColumn::Time { ticks, unit, is_zoned } => Value::ParsedTime(ParsedTime {
                micros: unit.micros(ticks.value(at)),
                zoned: *is_zoned,
            }),
            ParquetColumn::Struct { array, .. } => other(array, at),
            ParquetColumn::Map { array, .. } => other(array, at),
            ParquetColumn::Other(array) => other(array, at),
        }
    }

    fn is_null(&self, at: usize) -> bool {
        match self {
            ParquetColumn::Text(array) => array.is_null(at),
            ParquetColumn::Number(array) => array.is_null(at),
            ParquetColumn::Whole(array) => array.is_null(at),
            ParquetColumn::Flag(array) => array.is_null(at),
            ParquetColumn::Time { ticks, .. } => ticks.is_null(at),
            ParquetColumn::Struct { array, .. } => array.is_null(at),
            ParquetColumn::Map { array, .. } => array.is_null(at),
            ParquetColumn::Other(array) => array.is_null(at),
        }
    }
}

impl Unit {
    /// A time out of range stays out of range, and is rejected as a date.
    fn micros(self, ticks: i64) -> i64 {
        match self {
            Unit::Micros(factor) => ticks.saturating_mul(factor),
            Unit::Nanos => ticks.div_euclid(1000),
        }
    }
}

impl From<TimeUnit> for Unit {
    fn from(unit: TimeUnit) -> Self {
        match unit {
            TimeUnit::Second => Unit::Micros(1_000_000),
            TimeUnit::Millisecond => Unit::Micros(1000),
            TimeUnit::Microsecond => Unit::Micros(1),
            TimeUnit::Nanosecond => Unit::Nanos,
        }
    }
}

fn other(array: &dyn Array, at: usize) -> Value<'static> {
    Value::Other(Cow::Owned(array_value_to_string(array, at).unwrap_or_default()))
}
