//! `mrrow sql`: one read-only query.

use std::io::Read;

use mrrow_engine::Engine;

use crate::args::SqlArgs;
use crate::exit::{Code, Failure};
use crate::output;

pub(super) async fn run(engine: &Engine, args: &SqlArgs) -> Result<Code, Failure> {
    let sql = statement(args)?;
    let snapshot = engine.snapshot(args.as_of).await?;
    output::print(args.output.format, snapshot.sql(&sql).await?).await?;
    Ok(Code::Done)
}

fn statement(args: &SqlArgs) -> Result<String, Failure> {
    if let Some(command) = &args.command {
        return Ok(command.clone());
    }
    if let Some(file) = &args.file {
        return std::fs::read_to_string(file)
            .map_err(|error| Failure::other(format!("read \"{}\": {error}", file.display())));
    }
    if args.stdin.is_none() {
        return Err(Failure::usage("name a query with -c SQL or -f FILE, or - to read it from standard input"));
    }
    let mut sql = String::new();
    std::io::stdin()
        .read_to_string(&mut sql)
        .map_err(|error| Failure::other(format!("read the query from standard input: {error}")))?;
    Ok(sql)
}
