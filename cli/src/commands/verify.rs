//! `mrrow verify`: recomputes everything from the records and compares it with what is stored.

use std::io::Write;

use mrrow_engine::Engine;

use crate::args::VerifyArgs;
use crate::exit::{Code, Failure};
use crate::output::Output;

pub(super) async fn run(engine: &Engine, args: &VerifyArgs) -> Result<Code, Failure> {
    let verification = engine.verify().await?;
    let mut stderr = std::io::stderr();
    for (name, rows) in &verification.failures {
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
    if !verification.holds() {
        return Ok(Code::Mismatch);
    }
    writeln!(stderr, "verified: {}", verification.checks.join(", "))?;
    Ok(Code::Done)
}
