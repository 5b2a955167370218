//! `mrrow movements`: the movements of a range of days.

use futures::TryStreamExt;
use mrrow_engine::Engine;
use mrrow_engine::reports::MovementsQuery;

use crate::args::MovementsArgs;
use crate::exit::{Code, Failure};
use crate::output::Output;

/// The columns that scripts rely on; the rest is printed with `--causes`.
const COLUMNS: usize = 8;

pub(super) async fn run(engine: &Engine, args: &MovementsArgs) -> Result<Code, Failure> {
    let customer = args.customer.clone();
    let query =
        MovementsQuery { from: args.from, to: args.to, customer, scheduled: args.scheduled };
    let snapshot = args.moment.snapshot(engine).await?;
    let mut rows = snapshot.movements(&query).await?;
    let columns: Vec<usize> =
        (0..if args.causes { rows.schema().fields().len() } else { COLUMNS }).collect();
    let schema =
        rows.schema().project(&columns).map_err(|error| Failure::other(error.to_string()))?;
    let mut output = Output::begin(args.output.format, schema.into())?;
    while let Some(batch) =
        rows.try_next().await.map_err(|error| Failure::other(error.to_string()))?
    {
        output
            .write(&batch.project(&columns).map_err(|error| Failure::other(error.to_string()))?)?;
    }
    output.finish()?;
    Ok(Code::Done)
}
