//! Rows in the inbox are Arrow IPC streams.

use std::io::Cursor;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use crate::error::Result;
use crate::model::{ObjectType, stored_schema};

pub(super) fn to_bytes(rows: &RecordBatch) -> Result<Vec<u8>> {
    let mut writer = StreamWriter::try_new(Vec::new(), &rows.schema())?;
    writer.write(rows)?;
    writer.finish()?;
    Ok(writer.into_inner()?)
}

pub(super) fn of_bytes(object: ObjectType, bytes: &[u8]) -> Result<RecordBatch> {
    let batches = StreamReader::try_new(Cursor::new(bytes), None)?.collect::<Result<Vec<_>, _>>()?;
    Ok(concat_batches(&stored_schema(object), &batches)?)
}
