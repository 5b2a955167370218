//! Runs one statement in the shell: rows on standard output, row count and time on standard error.

use std::io::Write;
use std::time::Instant;

use mrrow_engine::Engine;

use super::statement_task::{ResultPart, StatementTask};
use crate::args::PointInTimeArgs;
use crate::exit::Failure;
use crate::output::{Format, Output};

/// Display options of the shell.
#[derive(Debug, Clone, Copy)]
pub(super) struct DisplayOptions {
    pub(super) format: Format,
    /// Maximum number of rows of a table; none prints all.
    pub(super) rows_max: Option<usize>,
    pub(super) shows_time: bool,
}

/// The number of printed rows.
struct RowCount {
    rows: usize,
    /// Whether the statement has more rows.
    is_truncated: bool,
}

/// Runs a statement on a newly opened snapshot. Dropping the future cancels the statement.
pub(super) async fn run_statement(
    engine: &Engine,
    point_in_time: PointInTimeArgs,
    sql: &str,
    options: DisplayOptions,
) -> Result<(), Failure> {
    let started = Instant::now();
    let snapshot = point_in_time.open_snapshot(engine).await?;
    let count = print(StatementTask::start(snapshot, sql)?, options).await?;
    let time =
        if options.shows_time { format!(", {:.1?}", started.elapsed()) } else { String::new() };
    let mut stderr = std::io::stderr();
    match count {
        RowCount { rows, is_truncated: true } => {
            writeln!(stderr, "(first {rows} rows{time}; \\rows all prints every row)")?
        }
        RowCount { rows: 1, .. } => writeln!(stderr, "(1 row{time})")?,
        RowCount { rows, .. } => writeln!(stderr, "({rows} rows{time})")?,
    }
    Ok(())
}

async fn print(mut task: StatementTask, options: DisplayOptions) -> Result<RowCount, Failure> {
    // A table holds all its rows in memory, so it has a limit; the other formats stream.
    let rows_max = options.rows_max.filter(|_| options.format.is_laid_out()).unwrap_or(usize::MAX);
    let mut count = RowCount { rows: 0, is_truncated: false };
    let mut output = None;
    while let Some(part) = task.next().await? {
        match (part, &mut output) {
            (ResultPart::Columns(schema), _) => {
                output = Some(Output::begin(Some(options.format), schema)?);
            }
            (ResultPart::Rows(batch), Some(output)) => {
                let printable = batch.num_rows().min(rows_max - count.rows);
                output.write(&batch.slice(0, printable))?;
                count.rows += printable;
                count.is_truncated = printable < batch.num_rows();
            }
            (ResultPart::Rows(_), None) => {
                return Err(Failure::other("the rows came before the columns"));
            }
        }
        if count.is_truncated {
            break;
        }
    }
    output.map(Output::finish).transpose()?;
    Ok(count)
}
