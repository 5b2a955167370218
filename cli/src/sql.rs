//! SQL on the command line: splitting text into statements, and the interactive shell.

mod tokens;

mod statements;

mod schema;

mod completion;
mod input;

mod history;

mod editor;

mod statement_task;

mod run_statement;

mod shell;

pub(crate) use shell::run as run_shell;
pub(crate) use statements::split;
