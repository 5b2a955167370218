//! The SQL names of column types.

use mrrow_engine::arrow::datatypes::DataType;

/// The SQL name of a type.
pub(crate) fn sql_type_name(kind: &DataType) -> String {
    let name = match kind {
        DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text",
        DataType::Boolean => "boolean",
        kind if kind.is_integer() => "integer",
        kind if kind.is_floating() => "double",
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => {
            return format!("decimal({precision}, {scale})");
        }
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Timestamp(_, None) => "timestamp",
        DataType::Timestamp(_, Some(_)) => "timestamptz",
        DataType::Interval(_) | DataType::Duration(_) => "interval",
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "binary",
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            return format!("{}[]", sql_type_name(item.data_type()));
        }
        DataType::Dictionary(_, value) => return sql_type_name(value),
        _ => "json",
    };
    name.to_string()
}
