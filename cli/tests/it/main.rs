//! The binary as a script sees it: arguments in; standard output, standard error and exit code out.
#![allow(clippy::unwrap_used, missing_docs)]

mod completions;
mod demo;
mod importing;
mod killing;
mod output;
mod run;
mod settings;
mod statements;
