//! One statement's answer in the shell: its rows on standard output, how many and how long it took
//! on standard error.

use std::io::Write;
use std::time::Instant;

use mrrow_engine::Engine;

use super::running::{Part, Running};
use crate::args::MomentArgs;
use crate::exit::Failure;
use crate::output::{Format, Output};

/// How answers are printed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) format: Format,
    /// The most rows of a table for eyes; none is all.
    pub(super) rows_max: Option<usize>,
    pub(super) has_time: bool,
}

/// Rows that were printed, and whether there were more.
struct Printed {
    rows: usize,
    is_cut: bool,
}

/// Runs a statement on the snapshot of the moment, newly asked for. Dropped, it stops.
pub(super) async fn answer(
    engine: &Engine,
    moment: MomentArgs,
    sql: &str,
    form: Form,
) -> Result<(), Failure> {
    let started = Instant::now();
    let snapshot = moment.snapshot(engine).await?;
    let printed = print(Running::start(snapshot, sql)?, form).await?;
    let time = if form.has_time { format!(", {:.1?}", started.elapsed()) } else { String::new() };
    let mut stderr = std::io::stderr();
    match printed {
        Printed { rows, is_cut: true } => {
            writeln!(stderr, "(first {rows} rows{time}; \\rows all prints every row)")?
        }
        Printed { rows: 1, .. } => writeln!(stderr, "(1 row{time})")?,
        Printed { rows, .. } => writeln!(stderr, "({rows} rows{time})")?,
    }
    Ok(())
}

async fn print(mut running: Running, form: Form) -> Result<Printed, Failure> {
    // Only what is laid out as a whole is held, and has to end somewhere.
    let rows_max = form.rows_max.filter(|_| form.format.is_laid_out()).unwrap_or(usize::MAX);
    let mut printed = Printed { rows: 0, is_cut: false };
    let mut output = None;
    while let Some(part) = running.next().await? {
        match (part, &mut output) {
            (Part::Columns(schema), _) => output = Some(Output::begin(Some(form.format), schema)?),
            (Part::Rows(batch), Some(output)) => {
                let count = batch.num_rows().min(rows_max - printed.rows);
                output.write(&batch.slice(0, count))?;
                printed.rows += count;
                printed.is_cut = count < batch.num_rows();
            }
            (Part::Rows(_), None) => return Err(Failure::other("rows came before their columns")),
        }
        if printed.is_cut {
            break;
        }
    }
    output.map(Output::finish).transpose()?;
    Ok(printed)
}
