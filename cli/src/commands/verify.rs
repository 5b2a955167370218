//! `mrrow verify`: is everything stored what the records say?

use std::io::Write;

use mrrow_engine::Engine;

use crate::args::VerifyArgs;
use crate::exit::{Code, Failure};
use crate::output::Output;

pub(super) async fn run(engine: &Engine, args: &VerifyArgs) -> Result<Code, Failure> {
    let found = engine.verify().await?;
    let mut stderr = std::io::stderr();
    for (name, rows) in &found.failures {
        let count: usize = rows.iter().map(|batch| batch.num_rows()).sum();
        writeln!(stderr, "{name}: {count} rows differ")?;
        if let Some(first) = rows.first() {
            let mut output = Output::begin(args.output.format, first.schema())?;
            for batch in rows {
                output.write(batch)?;
            }
            output.finish()?;
        }
    }
    if !found.holds() {
        return Ok(Code::Mismatch);
    }
    writeln!(stderr, "verified: {}", found.checks.join(", "))?;
    Ok(Code::Done)
}
