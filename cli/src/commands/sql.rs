//! `mrrow sql`: runs statements from the command line, a file or a pipe, or opens a shell.

use std::io::{IsTerminal, Read, Write};

use mrrow_engine::{Engine, Snapshot};

use crate::args::SqlArgs;
use crate::exit::{Code, Failure};
use crate::output::{self, Format};
use crate::sql::{run_shell, split};

pub(super) async fn run(engine: &Engine, args: &SqlArgs) -> Result<Code, Failure> {
    if opens_shell(args) {
        return run_shell(engine, args).await;
    }
    let text = read_statements(args)?;
    let snapshot = args.point_in_time.open_snapshot(engine).await?;
    run_statements(&snapshot, &text, args.output.format).await?;
    Ok(Code::Done)
}

/// Whether to open a shell: no statements are named, and input and output are a terminal.
fn opens_shell(args: &SqlArgs) -> bool {
    let is_named = args.command.is_some() || args.file.is_some() || args.stdin.is_some();
    !is_named && std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

fn read_statements(args: &SqlArgs) -> Result<String, Failure> {
    if let Some(command) = &args.command {
        return Ok(command.clone());
    }
    if let Some(file) = &args.file {
        return std::fs::read_to_string(file)
            .map_err(|error| Failure::other(format!("read \"{}\": {error}", file.display())));
    }
    if std::io::stdin().is_terminal() {
        writeln!(std::io::stderr(), "type statements, then press Ctrl-D")?;
    }
    let mut sql = String::new();
    std::io::stdin().read_to_string(&mut sql).map_err(|error| {
        Failure::other(format!("read the statements from standard input: {error}"))
    })?;
    if args.stdin.is_none() && split(&sql).is_empty() {
        return Err(Failure::usage(
            "standard input has no statement; give one with -c SQL or -f FILE",
        ));
    }
    Ok(sql)
}

/// Runs statements one after the other on one snapshot, until one fails.
async fn run_statements(
    snapshot: &Snapshot,
    text: &str,
    format: Option<Format>,
) -> Result<(), Failure> {
    let statements = split(text);
    if statements.len() < 2 {
        return output::print(format, snapshot.sql(text).await?).await;
    }
    if let Some(format @ (Format::Parquet | Format::Arrow)) = format {
        let count = statements.len();
        return Err(Failure::usage(format!(
            "the format {format:?} holds the rows of one statement, not of {count}"
        )));
    }
    for statement in statements {
        let within =
            |failure: Failure| failure.within(&format!("the statement on line {}", statement.line));
        let rows = snapshot.sql(statement.text).await.map_err(|error| within(error.into()))?;
        output::print(format, rows).await.map_err(within)?;
    }
    Ok(())
}
