//! Staging: the inputs are decoded once; valid rows go to Parquet files that are not yet part of
//! the store.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono_tz::Tz;
use parquet::arrow::ArrowWriter;

use super::{
    Content, ImportOptions, ImportSummary, Input, Progress, REJECTIONS_SHOWN, RejectedRow,
};
use crate::error::{Error, Result};
use crate::files::{Key, file_properties};
use crate::ingest::{DecodeError, DecodeOptions, Decoded, decode, decode_file, ignore};
use crate::model::ObjectType;
use crate::tables::{HASH_BYTES, column, record_schema};

/// Rows in a decoded batch.
const BATCH_ROWS: usize = 8 * 1024;
/// The longest row in bytes; a longer one is rejected.
const ROW_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The system columns of a staged row.
pub(super) struct StagingPlan {
    pub(super) data_source: String,
    pub(super) timezone: Tz,
    pub(super) directory: PathBuf,
}

/// The staged files and their counts.
pub(super) struct StagedRows {
    pub(super) files: BTreeMap<ObjectType, PathBuf>,
    pub(super) summary: ImportSummary,
    pub(super) rejects: Rejects,
    pub(super) input_names: Vec<String>,
    /// The number of valid rows of all types.
    pub(super) rows: i64,
}

/// The columns of a staged file: those of the record, `_key` (of its id), `_row` (position among
/// the valid rows of all inputs), `_line`, `_input` (index of the input).
pub(super) fn staged_schema(object: ObjectType) -> SchemaRef {
    let mut fields: Vec<_> = record_schema(object).fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new("_key", DataType::FixedSizeBinary(HASH_BYTES), false)));
    fields.push(Arc::new(Field::new("_row", DataType::Int64, false)));
    fields.push(Arc::new(Field::new("_line", DataType::UInt64, false)));
    fields.push(Arc::new(Field::new("_input", DataType::Int32, false)));
    Arc::new(Schema::new(fields))
}

/// Decodes all inputs on a separate thread.
pub(super) async fn stage(
    plan: StagingPlan,
    inputs: Vec<Input>,
    options: ImportOptions,
) -> Result<StagedRows> {
    let staging = tokio::task::spawn_blocking(move || {
        refuse_rejects_in_the_place_of_an_input(&inputs, options.rejects.as_deref())?;
        Stager::new(plan, options)?.stage_all(inputs)
    });
    staging.await.map_err(|error| Error::Internal(format!("read the input: {error}")))?
}

fn refuse_rejects_in_the_place_of_an_input(inputs: &[Input], rejects: Option<&Path>) -> Result<()> {
    let Some(rejects) = rejects.and_then(|path| path.canonicalize().ok()) else { return Ok(()) };
    for input in inputs {
        if let Content::File(path) = &input.content
            && path.canonicalize().is_ok_and(|path| path == rejects)
        {
            let message = format!(
                "the rejects file \"{}\" is one of the inputs; name another",
                rejects.display()
            );
            return Err(Error::Argument(message));
        }
    }
    Ok(())
}

struct Stager {
    plan: StagingPlan,
    options: ImportOptions,
    writers: BTreeMap<ObjectType, (PathBuf, ArrowWriter<BufWriter<File>>)>,
    staged: StagedRows,
    bytes_before: u64,
    bytes_here: u64,
    rows: u64,
}

impl Stager {
    fn new(plan: StagingPlan, options: ImportOptions) -> Result<Stager> {
        let staged = StagedRows {
            files: BTreeMap::new(),
            summary: ImportSummary::default(),
            rejects: Rejects::create(options.rejects.clone())?,
            input_names: Vec::new(),
            rows: 0,
        };
        Ok(Stager {
            plan,
            options,
            writers: BTreeMap::new(),
            staged,
            bytes_before: 0,
            bytes_here: 0,
            rows: 0,
        })
    }

    fn stage_all(mut self, inputs: Vec<Input>) -> Result<StagedRows> {
        for input in inputs {
            self.stage_input(input)?;
        }
        for (object, (path, writer)) in self.writers {
            let mut file = writer.into_inner()?;
            file.flush().map_err(Error::file("write", &path))?;
            self.staged.files.insert(object, path);
        }
        Ok(self.staged)
    }

    fn stage_input(&mut self, input: Input) -> Result<()> {
        self.staged.input_names.push(input.name.clone());
        let decode_options = DecodeOptions {
            data_source: self.plan.data_source.clone(),
            object: input.object,
            format: input.format,
            map: self.options.map.clone(),
            timezone: self.plan.timezone,
            batch_rows: BATCH_ROWS,
            row_bytes_max: ROW_BYTES_MAX,
            ..DecodeOptions::default()
        };
        self.bytes_here = 0;
        let decoded = match input.content {
            Content::File(path) => {
                let file = File::open(&path).map_err(Error::file("open", &path))?;
                decode_file(file, &decode_options, |decoded| self.take(decoded))
            }
            Content::Stream(stream) => {
                decode(stream, &decode_options, |decoded| self.take(decoded))
            }
        };
        decoded.map_err(|error| match error {
            DecodeError::Io(source) => Error::file("read", &input.name)(source),
            DecodeError::Stopped(error) => error,
        })?;
        self.bytes_before += self.bytes_here;
        Ok(())
    }

    fn take(&mut self, decoded: Decoded) -> Result<()> {
        self.options.check_canceled()?;
        let rows = decoded.rows.num_rows() as u64;
        self.rows += rows + decoded.rejections.len() as u64;
        self.bytes_here = decoded.bytes_read;
        if let Some(object) = decoded.object.filter(|_| rows > 0) {
            self.staged.summary.counts_of(object).read += rows;
            self.write(object, &decoded.rows)?;
        }
        for warning in &decoded.warnings {
            self.staged.summary.warn(warning.code.as_str(), 1, &warning.id);
        }
        for (field, count) in &decoded.ignored_fields {
            ignore(&mut self.staged.summary.ignored_fields, field, *count);
        }
        for rejection in decoded.rejections {
            let input = self.staged.input_names.last().cloned().unwrap_or_default();
            self.staged.rejects.take(RejectedRow { input, rejection }, &mut self.staged.summary)?;
        }
        self.options.tell(Progress::Reading {
            rows: self.rows,
            bytes: self.bytes_before + self.bytes_here,
        });
        Ok(())
    }

    fn write(&mut self, object: ObjectType, decoded: &RecordBatch) -> Result<()> {
        let batch = self.complete(object, decoded)?;
        if let Some((_, writer)) = self.writers.get_mut(&object) {
            writer.write(&batch)?;
            return Ok(());
        }
        let path = self.plan.directory.join(format!("{object}.parquet"));
        let file = File::create(&path).map_err(Error::file("create", &path))?;
        let mut writer = ArrowWriter::try_new(
            BufWriter::new(file),
            staged_schema(object),
            Some(file_properties()),
        )?;
        writer.write(&batch)?;
        self.writers.insert(object, (path, writer));
        Ok(())
    }

    /// A decoded batch with the staging columns.
    fn complete(&mut self, object: ObjectType, decoded: &RecordBatch) -> Result<RecordBatch> {
        let first = self.staged.rows;
        self.staged.rows += decoded.num_rows() as i64;
        let input = self.staged.input_names.len() as i32 - 1;
        let schema = staged_schema(object);
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            columns.push(match field.name().as_str() {
                "_key" => Key::column(decoded)?,
                "_row" => Arc::new(Int64Array::from_iter_values(first..self.staged.rows)),
                "_input" => Arc::new(Int32Array::from(vec![input; decoded.num_rows()])),
                name => Arc::clone(column(decoded, name)?),
            });
        }
        Ok(RecordBatch::try_new(schema, columns)?)
    }
}

/// Receives rejected rows: counts them, keeps the first for the summary, writes all to the rejects
/// file.
#[derive(Default)]
pub(super) struct Rejects {
    file: Option<(PathBuf, BufWriter<File>)>,
}

impl Rejects {
    fn create(path: Option<PathBuf>) -> Result<Rejects> {
        let Some(path) = path else { return Ok(Rejects { file: None }) };
        let file = File::create(&path).map_err(Error::file("create", &path))?;
        Ok(Rejects { file: Some((path, BufWriter::new(file))) })
    }

    pub(super) fn take(
        &mut self,
        rejected: RejectedRow,
        summary: &mut ImportSummary,
    ) -> Result<()> {
        match rejected.rejection.object {
            Some(object) => {
                let counts = summary.counts_of(object);
                counts.read += 1;
                counts.rejected += 1;
            }
            None => summary.unreadable += 1,
        }
        if let Some((path, file)) = &mut self.file {
            let row = serde_json::to_string(&rejected)
                .map_err(|error| Error::Internal(format!("write a rejected row: {error}")))?;
            writeln!(file, "{row}").map_err(Error::file("write", path.as_path()))?;
        }
        if summary.rejections.len() < REJECTIONS_SHOWN {
            summary.rejections.push(rejected);
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<()> {
        let Some((path, mut file)) = self.file else { return Ok(()) };
        file.flush().map_err(Error::file("write", path))
    }
}
