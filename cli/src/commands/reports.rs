//! The reports: `mrrow movements` and `mrrow mrr`.

use futures::TryStreamExt;
use mrrow_engine::Engine;
use mrrow_engine::reports::{MovementsQuery, MrrQuery};

use crate::args::{MovementsArgs, MrrArgs};
use crate::exit::{Code, Failure};
use crate::output::{self, Output};

/// The columns of `mrrow movements` without `--causes`. Scripts rely on them and on their order.
const MOVEMENTS_COLUMNS: [&str; 8] =
    ["date", "data_source", "customer_id", "currency", "type", "amount", "mrr_after", "scheduled"];

pub(super) async fn movements(engine: &Engine, args: &MovementsArgs) -> Result<Code, Failure> {
    let query = MovementsQuery {
        from: args.from,
        to: args.to,
        customer: args.customer.clone(),
        scheduled: args.scheduled,
    };
    let snapshot = args.point_in_time.open_snapshot(engine).await?;
    let mut rows = snapshot.movements(&query).await?;
    if args.causes {
        output::print(args.output.format, rows).await?;
        return Ok(Code::Done);
    }
    let schema = rows.schema();
    let columns: Vec<usize> = MOVEMENTS_COLUMNS
        .iter()
        .map(|name| schema.index_of(name))
        .collect::<Result<_, _>>()
        .map_err(select_columns)?;
    let schema = schema.project(&columns).map_err(select_columns)?;
    let mut output = Output::begin(args.output.format, schema.into())?;
    while let Some(batch) =
        rows.try_next().await.map_err(|error| Failure::other(error.strip_backtrace()))?
    {
        output.write(&batch.project(&columns).map_err(select_columns)?)?;
    }
    output.finish()?;
    Ok(Code::Done)
}

fn select_columns(error: impl std::fmt::Display) -> Failure {
    Failure::other(format!("select the columns of the movements: {error}"))
}

pub(super) async fn mrr(engine: &Engine, args: &MrrArgs) -> Result<Code, Failure> {
    let query = MrrQuery { interval: args.interval, from: args.from, to: args.to };
    let snapshot = args.point_in_time.open_snapshot(engine).await?;
    output::print(args.output.format, snapshot.mrr(&query).await?).await?;
    Ok(Code::Done)
}
