//! `mrrow mrr`: MRR by period and currency.

use mrrow_engine::Engine;
use mrrow_engine::reports::MrrQuery;

use crate::args::MrrArgs;
use crate::exit::{Code, Failure};
use crate::output;

pub(super) async fn run(engine: &Engine, args: &MrrArgs) -> Result<Code, Failure> {
    let query = MrrQuery { interval: args.interval, from: args.from, to: args.to };
    let snapshot = args.moment.snapshot(engine).await?;
    output::print(args.output.format, snapshot.mrr(&query).await?).await?;
    Ok(Code::Done)
}
