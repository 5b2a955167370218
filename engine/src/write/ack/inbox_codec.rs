//! Rows in the inbox are Arrow IPC streams. Long ones are compressed with zstd, so that less is
//! written and more fits into the inbox.
//!
//! A row carries what its validation has found: the key of its id, the version that it supersedes,
//! and the customer from which it takes an invoice away. The flush writes these, unless a version
//! was published in between that the validation did not know.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use crate::error::{Error, Result};
use crate::model::ObjectType;
use crate::records::StoredBatch;

/// Shorter streams are not compressed.
const COMPRESSED_BYTES_MIN: usize = 16 * 1024;

/// The fastest of zstd's own levels.
const LEVEL: i32 = 1;

/// The first bytes of a zstd frame (RFC 8878 §3.1.1); an IPC stream begins with others.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// The customer from which a row takes an invoice away.
const LEFT_CUSTOMER: &str = "_left_customer";

/// In the metadata of the schema: see [`InboxBatch::known_sequence`].
const KNOWN_SEQUENCE: &str = "known_sequence";

/// Rows of one type that were validated in one step.
#[derive(Debug, Clone)]
pub(in crate::write) struct InboxBatch {
    pub(in crate::write) versions: StoredBatch,
    /// The customers from which the rows take an invoice away; none in rows of an earlier form.
    pub(in crate::write) left_customers: Option<StringArray>,
    /// The validation knew every version up to this sequence. None means that it did not, and that
    /// `versions` may have unchanged rows.
    pub(in crate::write) known_sequence: Option<i64>,
}

impl InboxBatch {
    /// Whether the result of the validation still holds when everything up to a sequence is
    /// published.
    pub(in crate::write) fn is_decided(&self, published: i64) -> bool {
        self.left_customers.is_some() && self.known_sequence.is_some_and(|known| known >= published)
    }

    /// The stored bytes, and the number of bytes before their compression.
    pub(super) fn to_bytes(&self) -> Result<(Vec<u8>, u64)> {
        let rows = self.to_rows()?;
        let mut writer = StreamWriter::try_new(Vec::new(), &rows.schema())?;
        writer.write(&rows)?;
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

    pub(in crate::write) fn of_bytes(object: ObjectType, bytes: &[u8]) -> Result<InboxBatch> {
        if bytes.starts_with(&ZSTD_MAGIC) {
            let plain = zstd::decode_all(bytes).map_err(Error::file("unpack", "pushed rows"))?;
            return of_plain(object, &plain);
        }
        of_plain(object, bytes)
    }

    fn to_rows(&self) -> Result<RecordBatch> {
        let rows = self.versions.with_keys()?;
        let mut fields: Vec<FieldRef> = rows.schema().fields().to_vec();
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        if let Some(left) = &self.left_customers {
            fields.push(Arc::new(Field::new(LEFT_CUSTOMER, DataType::Utf8, true)));
            columns.push(Arc::new(left.clone()));
        }
        let known =
            self.known_sequence.map(|known| (KNOWN_SEQUENCE.to_string(), known.to_string()));
        let metadata: HashMap<String, String> = known.into_iter().collect();
        Ok(RecordBatch::try_new(Arc::new(Schema::new_with_metadata(fields, metadata)), columns)?)
    }
}

fn of_plain(object: ObjectType, bytes: &[u8]) -> Result<InboxBatch> {
    let mut batches = StreamReader::try_new(Cursor::new(bytes), None)?;
    let schema = batches.schema();
    let Some(rows) = batches.next() else {
        return Err(Error::Internal("a request in the inbox has no rows".to_string()));
    };
    let rows = rows?;
    let left = rows.column_by_name(LEFT_CUSTOMER).map(|left| left.as_string::<i32>().clone());
    Ok(InboxBatch {
        versions: StoredBatch::read(object, &rows)?,
        left_customers: left,
        known_sequence: schema.metadata().get(KNOWN_SEQUENCE).and_then(|known| known.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        Array, BooleanArray, FixedSizeBinaryArray, Int64Array, TimestampMicrosecondArray,
    };

    use super::*;
    use crate::files::Key;
    use crate::tables::{column, stored_schema};

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

    /// A row of a plan in the columns of the store.
    fn plan() -> Result<RecordBatch> {
        let schema = stored_schema(ObjectType::Plans);
        let columns = schema
            .fields()
            .iter()
            .map(|field| filled(field.data_type()))
            .collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new(schema, columns)?)
    }

    #[test]
    fn rows_of_an_earlier_form_lack_columns_and_are_not_decided() -> Result<()> {
        let rows = plan()?;
        let earlier: Vec<usize> = (0..rows.num_columns())
            .filter(|at| rows.schema().field(*at).name() != "product_name")
            .collect();
        let earlier = rows.project(&earlier)?;
        let mut writer = StreamWriter::try_new(Vec::new(), &earlier.schema())?;
        writer.write(&earlier)?;
        writer.finish()?;
        let read = InboxBatch::of_bytes(ObjectType::Plans, &writer.into_inner()?)?;
        let stored = read.versions.rows();
        assert_eq!(stored.schema(), rows.schema());
        assert_eq!(column(stored, "product_name")?.null_count(), 1);
        assert_eq!(column(stored, "plan_group")?.as_string::<i32>().value(0), "text");
        let key = read.versions.keys().as_fixed_size_binary().value(0);
        assert_eq!(Key::from_slice(key), Key::of("text", "text"));
        assert!(!read.is_decided(0));
        Ok(())
    }

    #[test]
    fn result_of_the_validation_holds_until_an_unknown_version_is_published() -> Result<()> {
        let batch = InboxBatch {
            versions: StoredBatch::read(ObjectType::Plans, &plan()?)?,
            left_customers: Some(StringArray::from(vec![Some("c")])),
            known_sequence: Some(6),
        };
        let read = InboxBatch::of_bytes(ObjectType::Plans, &batch.to_bytes()?.0)?;
        assert_eq!(read.versions.rows(), batch.versions.rows());
        assert_eq!(read.versions.keys(), batch.versions.keys());
        assert_eq!(read.left_customers, batch.left_customers);
        assert_eq!([5, 6, 7].map(|published| read.is_decided(published)), [true, true, false]);
        let undecided = InboxBatch { known_sequence: None, ..batch };
        let read = InboxBatch::of_bytes(ObjectType::Plans, &undecided.to_bytes()?.0)?;
        assert!(!read.is_decided(0));
        Ok(())
    }
}
