//! `mrrow sql` on a terminal: statements and commands, one after the other, until Ctrl-D.

use std::io::Write;

use clap::ValueEnum;
use mrrow_engine::Engine;
use mrrow_engine::arrow::array::RecordBatch;
use mrrow_engine::arrow::error::ArrowError;

use super::answer::{Form, answer};
use super::editor::{Prompt, Typed};
use super::line::{self, Line};
use super::schema::{self, Table};
use super::statements::split;
use crate::args::{MomentArgs, SqlArgs};
use crate::exit::{Code, Failure};
use crate::output::{Format, Output};

const ROWS_MAX_DEFAULT: usize = 1_000;

/// A shell between two lines.
struct Shell<'e> {
    engine: &'e Engine,
    moment: MomentArgs,
    tables: Vec<Table>,
    form: Form,
}

/// Reads and answers until the user leaves.
pub(crate) async fn run(engine: &Engine, args: &SqlArgs) -> Result<Code, Failure> {
    let format = args.output.format.unwrap_or(Format::Table);
    if !format.is_text() {
        return Err(Failure::usage(format!(
            "a terminal does not show {format:?}; name a query with -c SQL or -f FILE"
        )));
    }
    let snapshot = args.moment.snapshot(engine).await?;
    let tables = schema::tables(&snapshot).await?;
    let (version, id, as_of) = (env!("CARGO_PKG_VERSION"), snapshot.id(), snapshot.as_of());
    writeln!(std::io::stderr(), "mrrow {version}, snapshot {id} as of {as_of}; \\? for help")?;
    drop(snapshot);
    let form = Form { format, rows_max: Some(ROWS_MAX_DEFAULT), has_time: true };
    let mut prompt = Prompt::new(tables.clone())?;
    let mut shell = Shell { engine, moment: args.moment, tables, form };
    loop {
        match tokio::task::block_in_place(|| prompt.read())? {
            Typed::Left => return Ok(Code::Done),
            Typed::Dropped => {}
            Typed::Text(text) => match line::read(&text) {
                Line::Quit => return Ok(Code::Done),
                line => shell.carry_out(line).await?,
            },
        }
    }
}

impl Shell<'_> {
    /// Does what was typed. What is wrong with it is told, and only a reader who has gone ends the
    /// shell.
    async fn carry_out(&mut self, line: Line<'_>) -> Result<(), Failure> {
        let done = match line {
            Line::Nothing | Line::Quit => Ok(()),
            Line::Help => writeln!(std::io::stdout(), "{}", line::HELP).map_err(Failure::from),
            Line::Tables => self.print(schema::list(&self.tables)),
            Line::Table(name) => self.describe(name),
            Line::Format(format) => self.set_format(format),
            Line::Rows(rows) => self.set_rows(rows),
            Line::Timing(timing) => self.set_timing(timing),
            Line::Unknown(command) => {
                Err(Failure::usage(format!("there is no command \"{command}\"; \\? lists them")))
            }
            Line::Sql(text) => self.answer(text).await,
        };
        match done {
            Err(Failure::BrokenPipe) => Err(Failure::BrokenPipe),
            Err(Failure::Usage(message) | Failure::Other(message)) => {
                writeln!(std::io::stderr(), "error: {message}").map_err(Failure::from)
            }
            Ok(()) => Ok(()),
        }
    }

    /// Runs the statements of a text until one fails, or Ctrl-C.
    async fn answer(&self, text: &str) -> Result<(), Failure> {
        for statement in split(text) {
            tokio::select! {
                answered = answer(self.engine, self.moment, statement.text, self.form) => answered?,
                interrupted = tokio::signal::ctrl_c() => {
                    interrupted.map_err(|error| Failure::other(format!("wait for Ctrl-C: {error}")))?;
                    return Err(Failure::other("cancelled"));
                }
            }
        }
        Ok(())
    }

    fn describe(&self, name: &str) -> Result<(), Failure> {
        match self.tables.iter().find(|table| table.name.eq_ignore_ascii_case(name)) {
            Some(table) => self.print(schema::describe(table)),
            None => Err(Failure::usage(format!("there is no table \"{name}\"; \\d lists them"))),
        }
    }

    fn print(&self, rows: Result<RecordBatch, ArrowError>) -> Result<(), Failure> {
        let rows = rows.map_err(|error| Failure::other(error.to_string()))?;
        let mut output = Output::begin(Some(self.form.format), rows.schema())?;
        output.write(&rows)?;
        output.finish()
    }

    fn set_format(&mut self, format: Option<&str>) -> Result<(), Failure> {
        match format.map(|name| Format::from_str(name, true)) {
            Some(Ok(format)) if format.is_text() => self.form.format = format,
            Some(_) => {
                return Err(Failure::usage(
                    "a format is table, csv, tsv, json, ndjson or markdown",
                ));
            }
            None => {}
        }
        let name = self
            .form
            .format
            .to_possible_value()
            .map(|value| value.get_name().to_string())
            .unwrap_or_default();
        tell(&format!("rows are printed as {name}"))
    }

    fn set_rows(&mut self, rows: Option<&str>) -> Result<(), Failure> {
        match rows.map(|rows| (rows, rows.parse())) {
            Some(("all", _)) => self.form.rows_max = None,
            Some((_, Ok(rows_max))) => self.form.rows_max = Some(rows_max),
            Some((rows, Err(_))) => {
                return Err(Failure::usage(format!("\"{rows}\" is not a number of rows, or all")));
            }
            None => {}
        }
        match self.form.rows_max {
            Some(rows_max) => tell(&format!("tables are printed up to {rows_max} rows")),
            None => tell("tables are printed to their last row"),
        }
    }

    fn set_timing(&mut self, timing: Option<&str>) -> Result<(), Failure> {
        self.form.has_time = match timing {
            Some("on") => true,
            Some("off") => false,
            Some(other) => return Err(Failure::usage(format!("\"{other}\" is not on or off"))),
            None => !self.form.has_time,
        };
        tell(if self.form.has_time { "the time is printed" } else { "the time is not printed" })
    }
}

fn tell(message: &str) -> Result<(), Failure> {
    Ok(writeln!(std::io::stderr(), "{message}")?)
}
