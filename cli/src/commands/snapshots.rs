//! `mrrow snapshots`: the moments that can be read.

use std::sync::Arc;

use mrrow_engine::arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use mrrow_engine::arrow::error::ArrowError;
use mrrow_engine::{Engine, KeptSnapshot};

use crate::args::SnapshotsArgs;
use crate::exit::{Code, Failure};
use crate::moment::shown;
use crate::output::Output;

pub(super) async fn run(engine: &Engine, args: &SnapshotsArgs) -> Result<Code, Failure> {
    let rows =
        rows(&engine.snapshots().await?).map_err(|error| Failure::other(error.to_string()))?;
    let mut output = Output::begin(args.output.format, rows.schema())?;
    output.write(&rows)?;
    output.finish()?;
    Ok(Code::Done)
}

fn rows(snapshots: &[KeptSnapshot]) -> Result<RecordBatch, ArrowError> {
    let whole = |value: fn(&KeptSnapshot) -> i64| -> ArrayRef {
        Arc::new(snapshots.iter().map(value).collect::<Int64Array>())
    };
    let text = |value: fn(&KeptSnapshot) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(snapshots.iter().map(value)))
    };
    let has_files: BooleanArray =
        snapshots.iter().map(|snapshot| Some(snapshot.has_files)).collect();
    RecordBatch::try_from_iter([
        ("snapshot", whole(|snapshot| snapshot.snapshot)),
        ("committed_at", text(|snapshot| shown(snapshot.committed_at))),
        ("cause", text(|snapshot| snapshot.cause.clone())),
        ("as_of", text(|snapshot| snapshot.as_of.to_string())),
        ("last_sequence", whole(|snapshot| snapshot.last_sequence)),
        ("has_files", Arc::new(has_files)),
    ])
}
