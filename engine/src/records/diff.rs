//! A diff: the effect of incoming rows on the records of their ids, the rows to store, and their
//! rows in the id index.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, FixedSizeBinaryArray, Int64Array, RecordBatch,
    StringArray, UInt32Array,
};
use arrow::compute::take;
use arrow::datatypes::Int64Type;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::files::{Key, KnownId};
use crate::model::ObjectType;
use crate::records::stored_batch::StoredBatch;
use crate::tables::Table;
use crate::tables::column;

/// The effect of an accepted row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowStatus {
    /// Its id is new.
    Created,
    /// It changes the record of its id.
    Updated,
    /// The record of its id has the same content.
    Unchanged,
    /// It deletes the record of its id.
    Deleted,
    /// There is no record to delete.
    NotFound,
}

impl RowStatus {
    /// The word for it in responses.
    pub fn as_str(self) -> &'static str {
        match self {
            RowStatus::Created => "created",
            RowStatus::Updated => "updated",
            RowStatus::Unchanged => "unchanged",
            RowStatus::Deleted => "deleted",
            RowStatus::NotFound => "not_found",
        }
    }
}

/// The incoming versions of one id that are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Each that differs from the one before: they were received one after another.
    Every,
    /// The last one, if it differs from the stored one: they were received at once.
    Last,
}

/// Rows of one type to be compared: the columns `data_source`, `_key`, `_hash`, `_deleted`,
/// `_sequence`, of invoices `customer_id`, of plans `currency`; in the order of their receipt.
pub(crate) struct IncomingRows<'a> {
    keys: &'a FixedSizeBinaryArray,
    hashes: &'a FixedSizeBinaryArray,
    deleted: &'a BooleanArray,
    sequences: &'a Int64Array,
    data_sources: &'a StringArray,
    customers: Option<&'a StringArray>,
    currencies: Option<&'a StringArray>,
    object: ObjectType,
}

/// The result for each row, and for their ids.
#[derive(Debug, Default)]
pub(crate) struct DiffResult {
    pub(crate) statuses: Vec<RowStatus>,
    pub(crate) kept: Vec<bool>,
    /// The sequence of the version that a row to store supersedes.
    pub(crate) supersedes: Vec<Option<i64>>,
    /// The customers from which rows to store take an invoice away, by row.
    pub(crate) left_customers: Vec<(u32, String)>,
    /// The last row to store of each id, in the order of their keys.
    pub(crate) last: Vec<u32>,
}

impl<'a> IncomingRows<'a> {
    pub(crate) fn of_batch(object: ObjectType, batch: &'a StoredBatch) -> Result<Self> {
        Self::new(object, batch.rows(), batch.keys())
    }

    pub(crate) fn of(object: ObjectType, rows: &'a RecordBatch) -> Result<Self> {
        Self::new(object, rows, column(rows, "_key")?)
    }

    fn new(
        object: ObjectType,
        rows: &'a RecordBatch,
        keys: &'a ArrayRef,
    ) -> Result<IncomingRows<'a>> {
        let text_of = |of: ObjectType, name: &str| {
            rows.column_by_name(name).filter(|_| object == of).map(|texts| texts.as_string::<i32>())
        };
        Ok(IncomingRows {
            keys: keys.as_fixed_size_binary(),
            hashes: column(rows, "_hash")?.as_fixed_size_binary(),
            deleted: column(rows, "_deleted")?.as_boolean(),
            sequences: column(rows, "_sequence")?.as_primitive::<Int64Type>(),
            data_sources: column(rows, "data_source")?.as_string(),
            customers: text_of(ObjectType::Invoices, "customer_id"),
            currencies: text_of(ObjectType::Plans, "currency"),
            object,
        })
    }

    pub(crate) fn key(&self, row: u32) -> Key {
        Key::from_slice(self.keys.value(row as usize))
    }

    fn hash(&self, row: u32) -> [u8; 16] {
        let mut hash = [0; 16];
        hash.copy_from_slice(self.hashes.value(row as usize));
        hash
    }

    /// The version that this row becomes when it is stored.
    pub(crate) fn known(&self, row: u32) -> KnownId {
        let text = |column: Option<&StringArray>| {
            let column = column.filter(|column| column.is_valid(row as usize))?;
            Some(column.value(row as usize).to_string())
        };
        KnownId {
            sequence: self.sequences.value(row as usize),
            hash: self.hash(row),
            deleted: self.deleted.value(row as usize),
            customer_id: text(self.customers),
            currency: text(self.currencies),
        }
    }

    /// Compares the rows with the last versions of their ids; `find` is called once, with rising
    /// keys.
    pub(crate) fn compare(
        &self,
        keep: Keep,
        find: impl FnOnce(&[Key]) -> Result<Vec<Option<KnownId>>>,
    ) -> Result<DiffResult> {
        let rows = self.keys.len();
        let order = self.by_key();
        let mut keys: Vec<Key> = order.iter().map(|(key, _)| *key).collect();
        keys.dedup();
        let stored = find(&keys)?;
        let mut compared = DiffResult {
            statuses: vec![RowStatus::Unchanged; rows],
            kept: vec![false; rows],
            supersedes: vec![None; rows],
            ..DiffResult::default()
        };
        let versions_of_ids = order.chunk_by(|one, other| one.0 == other.0);
        for (versions, stored) in versions_of_ids.zip(stored) {
            self.compare_versions(versions, stored, keep, &mut compared);
        }
        Ok(compared)
    }

    /// Compares the versions of one id, one after another.
    fn compare_versions(
        &self,
        versions: &[(Key, u32)],
        stored: Option<KnownId>,
        keep: Keep,
        compared: &mut DiffResult,
    ) {
        let stored = stored.filter(|known| !known.deleted);
        // The version before, and the version that a kept one takes the place of.
        let (mut before, mut replaced) = (stored.clone(), stored);
        let mut last_kept = None;
        for (at, (_, row)) in versions.iter().enumerate() {
            let now = self.known(*row);
            let status = status(before.as_ref(), &now);
            let index = *row as usize;
            compared.statuses[index] = status;
            let kept = match keep {
                Keep::Every => !matches!(status, RowStatus::Unchanged | RowStatus::NotFound),
                Keep::Last => {
                    at + 1 == versions.len()
                        && !matches!(
                            self::status(replaced.as_ref(), &now),
                            RowStatus::Unchanged | RowStatus::NotFound
                        )
                }
            };
            let now = (!now.deleted).then_some(now);
            if kept {
                compared.kept[index] = true;
                compared.supersedes[index] = replaced.as_ref().map(|known| known.sequence);
                let left = replaced.as_ref().and_then(|known| known.customer_id.clone());
                let stays = now.as_ref().and_then(|now| now.customer_id.as_ref()) == left.as_ref();
                if let Some(left) = left.filter(|_| !stays) {
                    compared.left_customers.push((*row, left));
                }
                replaced.clone_from(&now);
                last_kept = Some(*row);
            }
            before = now;
        }
        compared.last.extend(last_kept);
    }

    /// The customers from which rows to store take an invoice away, by data source and id.
    pub(crate) fn left_behind<'d>(
        &'d self,
        compared: &'d DiffResult,
    ) -> impl Iterator<Item = (String, String)> + 'd {
        compared.left_customers.iter().map(|(row, customer)| {
            (self.data_sources.value(*row as usize).to_string(), customer.clone())
        })
    }

    /// The last row of each id, in the order of their keys.
    pub(crate) fn last_rows(&self) -> Vec<u32> {
        let order = self.by_key();
        let versions_of_ids = order.chunk_by(|one, other| one.0 == other.0);
        versions_of_ids.filter_map(|versions| versions.last()).map(|(_, row)| *row).collect()
    }

    fn by_key(&self) -> Vec<(Key, u32)> {
        let rows = 0..self.keys.len() as u32;
        let mut order: Vec<(Key, u32)> = rows.map(|row| (self.key(row), row)).collect();
        order.sort_unstable();
        order
    }

    /// The rows of the id index for the last row of each id, in its order.
    pub(crate) fn id_rows(&self, last: &[u32]) -> Result<RecordBatch> {
        let last = UInt32Array::from(last.to_vec());
        let pick = |column: &dyn Array| -> Result<ArrayRef> { Ok(take(column, &last, None)?) };
        let text = |column: Option<&StringArray>| match column {
            Some(column) => pick(column),
            None => Ok(Arc::new(StringArray::new_null(last.len())) as ArrayRef),
        };
        let columns = vec![
            pick(self.keys)?,
            pick(self.sequences)?,
            pick(self.hashes)?,
            pick(self.deleted)?,
            text(self.customers)?,
            text(self.currencies)?,
        ];
        Ok(RecordBatch::try_new(Table::Ids(self.object).schema(), columns)?)
    }
}

fn status(before: Option<&KnownId>, now: &KnownId) -> RowStatus {
    match before {
        None if now.deleted => RowStatus::NotFound,
        None => RowStatus::Created,
        Some(_) if now.deleted => RowStatus::Deleted,
        Some(before) if before.hash == now.hash => RowStatus::Unchanged,
        Some(_) => RowStatus::Updated,
    }
}
