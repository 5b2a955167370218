//! A request: rows of one data source that are stored together or not at all, or ids to be deleted.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::error::{Error, Result};
use crate::ingest::{DecodeError, DecodeOptions, Decoded, Rejection, WarningCode, decode, ignore};
use crate::model::ObjectType;
use crate::model::OnError;
use crate::write::ack::answer::PushResult;
use crate::write::ack::options::{IdempotencyKey, PushOptions};

/// The longest row that is read; a longer one is rejected.
const ROW_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Rows as they were decoded.
#[derive(Debug)]
pub(crate) struct Request {
    /// The data source of the records to delete.
    pub(super) data_source: String,
    pub(super) received_at: DateTime<Utc>,
    pub(super) on_error: OnError,
    /// The valid rows of each type.
    pub(super) rows: BTreeMap<ObjectType, RecordBatch>,
    /// The records to delete.
    pub(super) deletion: Option<Deletion>,
    pub(super) idempotency: Option<IdempotencyKey>,
    /// No record of it may have been changed after this sequence.
    pub(super) unchanged_since: Option<i64>,
    /// The answer so far: rejections and ignored fields. `warnings` are by type and line.
    pub(super) answer: PushResult,
    pub(super) warnings: BTreeMap<(ObjectType, u64), Vec<WarningCode>>,
}

/// Records of one type to delete.
#[derive(Debug, Clone)]
pub(crate) struct Deletion {
    pub(crate) object: ObjectType,
    pub(crate) ids: Vec<String>,
}

impl Request {
    pub(crate) fn new(data_source: &str, received_at: DateTime<Utc>, on_error: OnError) -> Request {
        Request {
            data_source: data_source.to_string(),
            received_at,
            on_error,
            rows: BTreeMap::new(),
            deletion: None,
            idempotency: None,
            unchanged_since: None,
            answer: PushResult::default(),
            warnings: BTreeMap::new(),
        }
    }

    /// A request that deletes records.
    pub(crate) fn deleting(
        data_source: &str,
        received_at: DateTime<Utc>,
        deletion: Deletion,
    ) -> Request {
        Request {
            deletion: Some(deletion),
            ..Request::new(data_source, received_at, OnError::Abort)
        }
    }

    /// Takes a step of decoding.
    fn take(&mut self, decoded: Decoded) -> Result<()> {
        if let Some(object) = decoded.object.filter(|_| decoded.rows.num_rows() > 0) {
            let rows = match self.rows.remove(&object) {
                Some(before) => concat_batches(&before.schema(), [&before, &decoded.rows])?,
                None => decoded.rows,
            };
            self.rows.insert(object, rows);
            for warning in decoded.warnings {
                self.warnings.entry((object, warning.line)).or_default().push(warning.code);
            }
        }
        for (field, count) in &decoded.ignored_fields {
            ignore(&mut self.answer.ignored_fields, field, *count);
        }
        self.answer.rejections.extend(decoded.rejections);
        Ok(())
    }

    /// The memory that it takes: its rows, its rejections, and the ids to delete.
    pub(super) fn bytes(&self) -> u64 {
        let rows: usize = self.rows.values().map(|rows| rows.get_array_memory_size()).sum();
        let ids = self.deletion.iter().flat_map(|deletion| &deletion.ids);
        (rows
            + rejection_bytes(&self.answer.rejections)
            + ids.map(|id| size_of::<String>() + id.len()).sum::<usize>()) as u64
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.answer.rejections.is_empty()
    }
}

/// The memory that a step of decoding takes.
fn bytes_of(decoded: &Decoded) -> u64 {
    (decoded.rows.get_array_memory_size() + rejection_bytes(&decoded.rejections)) as u64
}

/// The memory that rejections take.
fn rejection_bytes(rejections: &[Rejection]) -> usize {
    let errors = |rejection: &Rejection| {
        rejection.errors.iter().map(|error| error.message.len()).sum::<usize>()
    };
    rejections
        .iter()
        .map(|rejection| size_of::<Rejection>() + rejection.original.len() + errors(rejection))
        .sum()
}

/// Turns bytes into requests.
#[derive(Clone)]
pub(crate) struct Decoder {
    pub(crate) data_source: String,
    pub(crate) object: Option<ObjectType>,
    pub(crate) timezone: Tz,
    pub(crate) options: PushOptions,
    pub(crate) decoded_bytes_max: u64,
    pub(crate) now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

impl Decoder {
    /// All bytes as one request.
    pub(crate) fn whole(&self, bytes: Vec<u8>) -> Result<Request> {
        let mut request = self.request();
        let mut decoded_bytes = 0;
        let input_bytes = bytes.len();
        self.decode(Box::new(std::io::Cursor::new(bytes)), input_bytes, 8192, |decoded| {
            decoded_bytes += bytes_of(&decoded);
            if decoded_bytes > self.decoded_bytes_max {
                let message = format!(
                    "the request has more than {} bytes once it is decoded",
                    self.decoded_bytes_max
                );
                return Err(Error::TooLarge(format!("{message}: push it in parts, or import it")));
            }
            request.take(decoded)
        })?;
        Ok(request)
    }

    /// A stream as requests of so many rows at most, each handed on when it is full.
    pub(crate) fn stepwise(
        &self,
        input: Box<dyn Read + Send>,
        batch_rows: usize,
        mut emit: impl FnMut(Request) -> Result<()>,
    ) -> Result<()> {
        self.decode(input, usize::MAX, batch_rows, |decoded| {
            let mut request = self.request();
            request.take(decoded)?;
            if request.is_empty() { Ok(()) } else { emit(request) }
        })
    }

    fn request(&self) -> Request {
        let (idempotency, unchanged_since) =
            (self.options.idempotency.clone(), self.options.unchanged_since);
        Request {
            idempotency,
            unchanged_since,
            ..Request::new(&self.data_source, (self.now)(), self.options.on_error)
        }
    }

    fn decode(
        &self,
        input: Box<dyn Read + Send>,
        input_bytes: usize,
        batch_rows: usize,
        take: impl FnMut(Decoded) -> Result<()>,
    ) -> Result<()> {
        let options = DecodeOptions {
            data_source: self.data_source.clone(),
            row_sources: self.options.row_sources.clone(),
            object: self.object,
            dialect: self.options.dialect,
            format: self.options.format,
            map: self.options.map.clone(),
            timezone: self.timezone,
            batch_rows,
            row_bytes_max: ROW_BYTES_MAX,
            input_bytes,
        };
        decode(input, &options, take).map_err(|error| match error {
            DecodeError::Io(source) => Error::file("read", "the pushed bytes")(source),
            DecodeError::Stopped(error) => error,
        })
    }
}
