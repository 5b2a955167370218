//! `mrrow snapshots`: the retained snapshots.

use std::sync::Arc;

use mrrow_engine::Engine;
use mrrow_engine::arrow::array::BooleanArray;

use super::listing::{self, instant, integers, text};
use crate::args::SnapshotsArgs;
use crate::exit::{Code, Failure};

pub(super) async fn run(engine: &Engine, args: &SnapshotsArgs) -> Result<Code, Failure> {
    let snapshots = engine.snapshots().await?;
    let has_files: BooleanArray =
        snapshots.iter().map(|snapshot| Some(snapshot.has_files)).collect();
    listing::print(
        args.output.format,
        [
            ("snapshot", integers(&snapshots, |snapshot| snapshot.snapshot)),
            ("committed_at", text(&snapshots, |snapshot| Some(instant(snapshot.committed_at)))),
            ("cause", text(&snapshots, |snapshot| Some(snapshot.cause.clone()))),
            ("as_of", text(&snapshots, |snapshot| Some(snapshot.as_of.to_string()))),
            ("last_sequence", integers(&snapshots, |snapshot| snapshot.last_sequence)),
            ("has_files", Arc::new(has_files)),
        ],
    )?;
    Ok(Code::Done)
}
