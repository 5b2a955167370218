//! The interactive shell of `mrrow sql`: reads statements and commands until Ctrl-D.

use std::io::Write;

use clap::ValueEnum;
use mrrow_engine::Engine;
use mrrow_engine::arrow::array::RecordBatch;
use mrrow_engine::arrow::error::ArrowError;

use super::editor::{Prompt, PromptResult};
use super::input::{self, ShellInput};
use super::run_statement::{DisplayOptions, run_statement};
use super::schema::{self, TableSchema};
use super::statements::split;
use crate::args::{PointInTimeArgs, SqlArgs};
use crate::exit::{Code, Failure};
use crate::output::{Format, Output};

const ROWS_MAX_DEFAULT: usize = 1_000;

/// The state of the shell.
struct Shell<'e> {
    engine: &'e Engine,
    point_in_time: PointInTimeArgs,
    tables: Vec<TableSchema>,
    options: DisplayOptions,
}

/// Runs the shell until the user quits.
pub(crate) async fn run(engine: &Engine, args: &SqlArgs) -> Result<Code, Failure> {
    let format = args.output.format.unwrap_or(Format::Table);
    if !format.is_text() {
        return Err(Failure::usage(format!(
            "the shell cannot print {format:?}; give a query with -c SQL or -f FILE"
        )));
    }
    let snapshot = args.point_in_time.open_snapshot(engine).await?;
    let tables = schema::read_tables(&snapshot).await?;
    let (version, id, as_of) = (env!("CARGO_PKG_VERSION"), snapshot.id(), snapshot.as_of());
    writeln!(std::io::stderr(), "mrrow {version}, snapshot {id} as of {as_of}; \\? for help")?;
    drop(snapshot);
    let options = DisplayOptions { format, rows_max: Some(ROWS_MAX_DEFAULT), shows_time: true };
    let mut prompt = Prompt::new(tables.clone())?;
    let mut shell = Shell { engine, point_in_time: args.point_in_time, tables, options };
    loop {
        match tokio::task::block_in_place(|| prompt.read())? {
            PromptResult::EndOfInput => return Ok(Code::Done),
            PromptResult::Interrupt => {}
            PromptResult::Text(text) => match input::parse(&text) {
                ShellInput::Quit => return Ok(Code::Done),
                input => shell.execute(input).await?,
            },
        }
    }
}

impl Shell<'_> {
    /// Executes an input and prints its error. Only a closed standard output ends the shell.
    async fn execute(&mut self, input: ShellInput<'_>) -> Result<(), Failure> {
        let done = match input {
            ShellInput::Empty | ShellInput::Quit => Ok(()),
            ShellInput::Help => {
                writeln!(std::io::stdout(), "{}", input::HELP).map_err(Failure::from)
            }
            ShellInput::Tables => self.print(schema::list(&self.tables)),
            ShellInput::Table(name) => self.describe(name),
            ShellInput::Format(format) => self.set_format(format),
            ShellInput::Rows(rows) => self.set_rows(rows),
            ShellInput::Timing(timing) => self.set_timing(timing),
            ShellInput::Unknown(command) => {
                Err(Failure::usage(format!("there is no command \"{command}\"; \\? lists them")))
            }
            ShellInput::Sql(text) => self.run_statements(text).await,
        };
        match done {
            Err(Failure::BrokenPipe) => Err(Failure::BrokenPipe),
            Err(Failure::Usage(message) | Failure::Other(message)) => {
                writeln!(std::io::stderr(), "error: {message}").map_err(Failure::from)
            }
            Ok(()) => Ok(()),
        }
    }

    /// Runs the statements of a text until one fails, or until Ctrl-C.
    async fn run_statements(&self, text: &str) -> Result<(), Failure> {
        for statement in split(text) {
            let task = run_statement(self.engine, self.point_in_time, statement.text, self.options);
            tokio::select! {
                done = task => done?,
                interrupt = tokio::signal::ctrl_c() => {
                    interrupt.map_err(|error| Failure::other(format!("wait for Ctrl-C: {error}")))?;
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
        let mut output = Output::begin(Some(self.options.format), rows.schema())?;
        output.write(&rows)?;
        output.finish()
    }

    fn set_format(&mut self, format: Option<&str>) -> Result<(), Failure> {
        match format.map(|name| Format::from_str(name, true)) {
            Some(Ok(format)) if format.is_text() => self.options.format = format,
            Some(_) => {
                return Err(Failure::usage(
                    "the formats are table, csv, tsv, json, ndjson and markdown",
                ));
            }
            None => {}
        }
        let name = self
            .options
            .format
            .to_possible_value()
            .map(|value| value.get_name().to_string())
            .unwrap_or_default();
        notify(&format!("the output format is {name}"))
    }

    fn set_rows(&mut self, rows: Option<&str>) -> Result<(), Failure> {
        match rows.map(|rows| (rows, rows.parse())) {
            Some(("all", _)) => self.options.rows_max = None,
            Some((_, Ok(rows_max))) => self.options.rows_max = Some(rows_max),
            Some((rows, Err(_))) => {
                return Err(Failure::usage(format!(
                    "\"{rows}\" is neither a number of rows nor \"all\""
                )));
            }
            None => {}
        }
        match self.options.rows_max {
            Some(rows_max) => notify(&format!("tables are printed up to {rows_max} rows")),
            None => notify("tables are printed with all rows"),
        }
    }

    fn set_timing(&mut self, timing: Option<&str>) -> Result<(), Failure> {
        self.options.shows_time = match timing {
            Some("on") => true,
            Some("off") => false,
            Some(other) => {
                return Err(Failure::usage(format!("\"{other}\" is neither \"on\" nor \"off\"")));
            }
            None => !self.options.shows_time,
        };
        notify(if self.options.shows_time { "timing is on" } else { "timing is off" })
    }
}

/// Prints a message of the shell itself.
fn notify(message: &str) -> Result<(), Failure> {
    Ok(writeln!(std::io::stderr(), "{message}")?)
}
