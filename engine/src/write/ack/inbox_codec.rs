//! Rows in the inbox are Arrow IPC streams; where they are many, compressed with zstd, so that the
//! disk writes less and more may wait.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{RecordBatch, new_null_array};
use arrow::compute::concat_batches;
use arrow::datatypes::{FieldRef, SchemaRef};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use crate::error::{Error, Result};
use crate::model::ObjectType;
use crate::tables::stored_schema;

/// What is shorter is stored as it is.
const COMPRESSED_BYTES_MIN: usize = 16 * 1024;

/// The fastest of zstd's own levels.
const LEVEL: i32 = 1;

/// The first bytes of a zstd frame (RFC 8878 §3.1.1); an IPC stream begins with others.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// The bytes that are stored, and how many they are when they are not compressed.
pub(in crate::write) fn to_bytes(rows: &RecordBatch) -> Result<(Vec<u8>, u64)> {
    let mut writer = StreamWriter::try_new(Vec::new(), &rows.schema())?;
    writer.write(rows)?;
    writer.finish()?;
    let plain = writer.into_inner()?;
    let plain_bytes = plain.len() as u64;
    if plain.len() < COMPRESSED_BYTES_MIN {
        return Ok((plain, plain_bytes));
    }
    let compressed = zstd::encode_all(plain.as_slice(), LEVEL)
        .map_err(Error::file("compress", "pushed rows"))?;
    Ok((compressed, plain_bytes))
}

pub(in crate::write) fn of_bytes(object: ObjectType, bytes: &[u8]) -> Result<RecordBatch> {
    if bytes.starts_with(&ZSTD_MAGIC) {
        let plain = zstd::decode_all(bytes).map_err(Error::file("unpack", "pushed rows"))?;
        return of_plain(object, &plain);
    }
    of_plain(object, bytes)
}

fn of_plain(object: ObjectType, bytes: &[u8]) -> Result<RecordBatch> {
    let schema = stored_schema(object);
    let batches = StreamReader::try_new(Cursor::new(bytes), None)?
        .map(|batch| conform(&schema, &batch?))
        .collect::<Result<Vec<_>>>()?;
    Ok(concat_batches(&schema, &batches)?)
}

/// The columns by their names: what an earlier version acknowledged may lack some.
fn conform(schema: &SchemaRef, rows: &RecordBatch) -> Result<RecordBatch> {
    let column = |field: &FieldRef| match rows.column_by_name(field.name()) {
        Some(column) => Arc::clone(column),
        None => new_null_array(field.data_type(), rows.num_rows()),
    };
    Ok(RecordBatch::try_new(Arc::clone(schema), schema.fields().iter().map(column).collect())?)
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        Array, ArrayRef, AsArray, BooleanArray, FixedSizeBinaryArray, Int64Array, StringArray,
        TimestampMicrosecondArray,
    };
    use arrow::datatypes::DataType;

    use super::*;
    use crate::tables::column;

    fn filled(data_type: &DataType) -> Result<ArrayRef> {
        Ok(match data_type {
            DataType::Int64 => Arc::new(Int64Array::from(vec![7])),
            DataType::Boolean => Arc::new(BooleanArray::from(vec![false])),
            DataType::Timestamp(..) => {
                Arc::new(TimestampMicrosecondArray::from(vec![7]).with_timezone("UTC"))
            }
            DataType::FixedSizeBinary(_) => {
                Arc::new(FixedSizeBinaryArray::try_from_iter([[7; 16]].into_iter())?)
            }
            _ => Arc::new(StringArray::from(vec!["text"])),
        })
    }

    #[test]
    fn what_an_earlier_version_acknowledged_lacks_the_columns_that_came_later() -> Result<()> {
        let schema = stored_schema(ObjectType::Plans);
        let before: Vec<usize> = (0..schema.fields().len())
            .filter(|at| schema.field(*at).name() != "product_name")
            .collect();
        let columns = schema
            .fields()
            .iter()
            .map(|field| filled(field.data_type()))
            .collect::<Result<Vec<_>>>()?;
        let rows = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        let read = of_bytes(ObjectType::Plans, &to_bytes(&rows.project(&before)?)?.0)?;
        assert_eq!(read.schema(), schema);
        assert_eq!(column(&read, "product_name")?.null_count(), 1);
        assert_eq!(column(&read, "plan_group")?.as_string::<i32>().value(0), "text");
        assert_eq!(of_bytes(ObjectType::Plans, &to_bytes(&rows)?.0)?, rows);
        Ok(())
    }
}
