//! Versions of records with the columns that the store adds: `_sequence`, `_received_at`,
//! `_deleted`, `_supersedes`, and the keys of their ids.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, FixedSizeBinaryBuilder, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::{concat, filter, filter_record_batch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use chrono::{DateTime, Utc};

use crate::error::Result;
use crate::files::Key;
use crate::model::ObjectType;
use crate::tables::{HASH_BYTES, column, stored_schema};

const KEY: &str = "_key";

/// Versions of one type, in the order of their receipt.
#[derive(Debug, Clone)]
pub(crate) struct StoredBatch {
    /// The columns of the stored table.
    rows: RecordBatch,
    /// The key of each row's id.
    keys: ArrayRef,
}

/// Decoded rows of one request with the keys of their ids, or its tombstones.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedRows {
    pub(crate) rows: RecordBatch,
    pub(crate) keys: ArrayRef,
    pub(crate) received_at: DateTime<Utc>,
}

impl StoredBatch {
    /// Numbers the rows of requests from a sequence on.
    pub(crate) fn receive(
        object: ObjectType,
        parts: &[&ReceivedRows],
        first_sequence: i64,
    ) -> Result<StoredBatch> {
        let rows: Vec<&RecordBatch> = parts.iter().map(|part| &part.rows).collect();
        let count = rows.iter().map(|rows| rows.num_rows()).sum::<usize>();
        let schema = stored_schema(object);
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            columns.push(match field.name().as_str() {
                "_sequence" => {
                    let sequences = first_sequence..first_sequence + count as i64;
                    Arc::new(Int64Array::from_iter_values(sequences))
                }
                "_received_at" => received_at(parts),
                "_deleted" if rows[0].column_by_name("_deleted").is_none() => {
                    Arc::new(BooleanArray::from(vec![false; count]))
                }
                "_supersedes" => new_null_array(&DataType::Int64, count),
                name => together(rows.iter().map(|rows| column(rows, name)))?,
            });
        }
        let keys = together(parts.iter().map(|part| Ok(&part.keys)))?;
        Ok(StoredBatch { rows: RecordBatch::try_new(schema, columns)?, keys })
    }

    /// Reads versions by the names of their columns. Rows of an earlier form lack some columns, or
    /// the keys.
    pub(crate) fn read(object: ObjectType, rows: &RecordBatch) -> Result<StoredBatch> {
        let schema = stored_schema(object);
        let column = |field: &FieldRef| match rows.column_by_name(field.name()) {
            Some(column) => Arc::clone(column),
            None => new_null_array(field.data_type(), rows.num_rows()),
        };
        let columns = schema.fields().iter().map(column).collect();
        let keys = match rows.column_by_name(KEY) {
            Some(keys) => Arc::clone(keys),
            None => Key::column(rows)?,
        };
        Ok(StoredBatch { rows: RecordBatch::try_new(schema, columns)?, keys })
    }

    /// The versions of several batches of one type, of which there is one at least.
    pub(crate) fn concat<'b>(
        batches: impl Iterator<Item = &'b StoredBatch> + Clone,
    ) -> Result<StoredBatch> {
        let mut columns = Vec::new();
        let Some(schema) = batches.clone().next().map(|first| first.rows.schema()) else {
            return Err(crate::error::Error::Internal("no versions to put together".to_string()));
        };
        for at in 0..schema.fields().len() {
            columns.push(together(batches.clone().map(|batch| Ok(batch.rows.column(at))))?);
        }
        let keys = together(batches.map(|batch| Ok(&batch.keys)))?;
        Ok(StoredBatch { rows: RecordBatch::try_new(schema, columns)?, keys })
    }

    /// Sets the sequence of the version that each version supersedes.
    pub(crate) fn with_superseded(&self, superseded: Vec<Option<i64>>) -> Result<StoredBatch> {
        let schema = self.rows.schema();
        let mut columns: Vec<ArrayRef> = self.rows.columns().to_vec();
        columns[schema.index_of("_supersedes")?] = Arc::new(Int64Array::from(superseded));
        let rows = RecordBatch::try_new(schema, columns)?;
        Ok(StoredBatch { rows, keys: Arc::clone(&self.keys) })
    }

    pub(crate) fn filter(&self, wanted: &BooleanArray) -> Result<StoredBatch> {
        if wanted.false_count() == 0 {
            return Ok(self.clone());
        }
        let rows = filter_record_batch(&self.rows, wanted)?;
        Ok(StoredBatch { rows, keys: filter(&self.keys, wanted)? })
    }

    /// The rows in the columns of the stored table.
    pub(crate) fn rows(&self) -> &RecordBatch {
        &self.rows
    }

    pub(crate) fn keys(&self) -> &ArrayRef {
        &self.keys
    }

    /// The rows with the column `_key`.
    pub(crate) fn with_keys(&self) -> Result<RecordBatch> {
        let mut fields: Vec<FieldRef> = self.rows.schema().fields().to_vec();
        fields.push(Arc::new(Field::new(KEY, DataType::FixedSizeBinary(HASH_BYTES), false)));
        let mut columns: Vec<ArrayRef> = self.rows.columns().to_vec();
        columns.push(Arc::clone(&self.keys));
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
    }
}

impl ReceivedRows {
    /// Decoded rows.
    pub(crate) fn decoded(rows: &RecordBatch, received_at: DateTime<Utc>) -> Result<ReceivedRows> {
        Ok(ReceivedRows { keys: Key::column(rows)?, rows: rows.clone(), received_at })
    }

    /// Tombstones for ids; one of an invoice names its customer.
    pub(crate) fn tombstones(
        object: ObjectType,
        data_source: &str,
        ids: &[String],
        keys: &[Key],
        customers: StringArray,
        received_at: DateTime<Utc>,
    ) -> Result<ReceivedRows> {
        let count = ids.len();
        let customers: ArrayRef = Arc::new(customers);
        let schema = stored_schema(object);
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            columns.push(match field.name().as_str() {
                "data_source" => Arc::new(StringArray::from(vec![data_source; count])),
                "id" => Arc::new(StringArray::from_iter_values(ids)),
                "customer_id" => Arc::clone(&customers),
                "_deleted" => Arc::new(BooleanArray::from(vec![true; count])),
                "_hash" => fixed(std::iter::repeat_n([0; 16], count))?,
                // They are numbered when they are received.
                "_sequence" => Arc::new(Int64Array::from(vec![0; count])),
                "_received_at" => {
                    Arc::new(TimestampMicrosecondArray::from(vec![0; count]).with_timezone("UTC"))
                }
                _ => new_null_array(field.data_type(), count),
            });
        }
        let keys = fixed(keys.iter().map(|key| key.0))?;
        Ok(ReceivedRows { rows: RecordBatch::try_new(schema, columns)?, keys, received_at })
    }

    pub(crate) fn filter(&self, wanted: &BooleanArray) -> Result<ReceivedRows> {
        Ok(ReceivedRows {
            rows: filter_record_batch(&self.rows, wanted)?,
            keys: filter(&self.keys, wanted)?,
            received_at: self.received_at,
        })
    }

    /// The key of each row's id.
    pub(crate) fn id_keys(&self) -> impl Iterator<Item = Key> + '_ {
        let keys = self.keys.as_fixed_size_binary();
        (0..keys.len()).map(|row| Key::from_slice(keys.value(row)))
    }
}

fn received_at(parts: &[&ReceivedRows]) -> ArrayRef {
    let instants = parts.iter().flat_map(|part| {
        std::iter::repeat_n(part.received_at.timestamp_micros(), part.rows.num_rows())
    });
    Arc::new(TimestampMicrosecondArray::from_iter_values(instants).with_timezone("UTC"))
}

fn fixed(values: impl Iterator<Item = [u8; 16]>) -> Result<ArrayRef> {
    let mut builder = FixedSizeBinaryBuilder::new(HASH_BYTES);
    for value in values {
        builder.append_value(value)?;
    }
    Ok(Arc::new(builder.finish()))
}

/// Arrays as one.
fn together<'a>(arrays: impl Iterator<Item = Result<&'a ArrayRef>>) -> Result<ArrayRef> {
    let arrays = arrays.collect::<Result<Vec<&ArrayRef>>>()?;
    if let [alone] = arrays[..] {
        return Ok(Arc::clone(alone));
    }
    let arrays: Vec<&dyn Array> = arrays.iter().map(|array| array.as_ref()).collect();
    Ok(concat(&arrays)?)
}
