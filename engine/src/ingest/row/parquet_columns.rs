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

use crate::ingest::row::dates::Moment;
use crate::ingest::row::values::{Row, Target, Value};

const DAY: i64 = 86_400_000_000;

/// A column of one batch, brought to the few types that values have.
pub(in crate::ingest) enum Column {
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
        children: Vec<(String, Column)>,
    },
    /// Named values of a map: its keys, and all values.
    Map {
        array: MapArray,
        keys: StringViewArray,
        values: Box<Column>,
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

impl Column {
    pub(in crate::ingest) fn new(array: &ArrayRef) -> Result<Self, ArrowError> {
        use DataType::{
            Boolean, Date32, Date64, Decimal32, Decimal64, Decimal128, Decimal256, Dictionary,
            Float16, Float32, Float64, Int8, Int16, Int32, Int64, LargeUtf8, Map, Null, Struct,
            Timestamp, UInt8, UInt16, UInt32, UInt64, Utf8, Utf8View,
        };
        let to = |data_type| cast(array, &data_type);
        Ok(match array.data_type() {
            Utf8 | LargeUtf8 | Utf8View => Column::Text(to(Utf8View)?.as_string_view().clone()),
            // A column of nothing but nulls, as some writers type it.
            Null => Column::new(&new_null_array(&Utf8View, array.len()))?,
            Boolean => Column::Flag(array.as_boolean().clone()),
            Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 => {
                Column::Whole(to(Int64)?.as_primitive().clone())
            }
            Float16 => Column::new(&to(Float32)?)?,
            UInt64 | Float32 | Float64 | Decimal32(..) | Decimal64(..) | Decimal128(..)
            | Decimal256(..) => Column::Number(to(Utf8)?.as_string().clone()),
            Date32 => Column::time(&to(Int32)?, Unit::Micros(DAY), false)?,
            Date64 => Column::time(array, Unit::Micros(1000), false)?,
            Timestamp(unit, zone) => Column::time(array, Unit::from(*unit), zone.is_some())?,
            Dictionary(_, value) => Column::new(&to(value.as_ref().clone())?)?,
            Struct(fields) => {
                let array = array.as_struct().clone();
                let children = fields.iter().zip(array.columns());
                let children =
                    children.map(|(field, child)| Ok((field.name().clone(), Column::new(child)?)));
                Column::Struct { children: children.collect::<Result<_, ArrowError>>()?, array }
            }
            Map(..) => match Column::new(array.as_map().keys())? {
                Column::Text(keys) => {
                    let array = array.as_map().clone();
                    Column::Map { values: Box::new(Column::new(array.values())?), keys, array }
                }
                _ => Column::Other(array.clone()),
            },
            _ => Column::Other(array.clone()),
        })
    }

    fn time(array: &ArrayRef, unit: Unit, is_zoned: bool) -> Result<Self, ArrowError> {
        let ticks = cast(array, &DataType::Int64)?.as_primitive().clone();
        Ok(Column::Time { ticks, unit, is_zoned })
    }

    /// Assigns the value of one row of the batch to its field.
    pub(in crate::ingest) fn put<'c>(
        &'c self,
        at: usize,
        target: &'c Target,
        is_metadata: bool,
        row: &mut Row<'c>,
    ) {
        match (target, self) {
            (Target::Ignored, _) => {}
            (Target::Source, _) => row.source = self.value(at),
            (Target::Metadata(key), _) => row.metadata.push((key.as_str().into(), self.value(at))),
            (Target::Field(_), Column::Struct { array, children }) if is_metadata => {
                if array.is_valid(at) {
                    row.metadata.extend(
                        children.iter().map(|(key, child)| (key.as_str().into(), child.value(at))),
                    );
                }
            }
            (Target::Field(_), Column::Map { array, keys, values }) if is_metadata => {
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
            (Target::Field(field), Column::Text(array)) if is_metadata && array.is_valid(at) => {
                row.set(*field, Value::Cell(array.value(at).into()));
            }
            (Target::Field(field), _) => row.set(*field, self.value(at)),
        }
    }

    fn value(&self, at: usize) -> Value<'_> {
        match self {
            column if column.is_null(at) => Value::Missing,
            Column::Text(array) => Value::Text(array.value(at).into()),
            // A float may be infinite or none.
            Column::Number(array)
                if !array.value(at).ends_with(|last: char| last.is_ascii_digit()) =>
            {
                Value::Other(array.value(at).into())
            }
            Column::Number(array) => Value::Number(array.value(at).into()),
            Column::Whole(array) => Value::Whole(array.value(at)),
            Column::Flag(array) => Value::Flag(array.value(at)),
            Column::Time { ticks, unit, is_zoned } => {
                Value::Moment(Moment { micros: unit.micros(ticks.value(at)), zoned: *is_zoned })
            }
            Column::Struct { array, .. } => other(array, at),
            Column::Map { array, .. } => other(array, at),
            Column::Other(array) => other(array, at),
        }
    }

    fn is_null(&self, at: usize) -> bool {
        match self {
            Column::Text(array) => array.is_null(at),
            Column::Number(array) => array.is_null(at),
            Column::Whole(array) => array.is_null(at),
            Column::Flag(array) => array.is_null(at),
            Column::Time { ticks, .. } => ticks.is_null(at),
            Column::Struct { array, .. } => array.is_null(at),
            Column::Map { array, .. } => array.is_null(at),
            Column::Other(array) => array.is_null(at),
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
