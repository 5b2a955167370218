//! SQL on the command line: where statements end, and the shell that reads them from a terminal.

mod answer;
mod completion;
mod editor;
mod history;
mod line;
mod running;
mod schema;
mod shell;
mod statements;
mod tokens;

pub(crate) use shell::run as run_shell;
pub(crate) use statements::split;
