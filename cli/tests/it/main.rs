//! The binary as a script sees it: arguments in; standard output, standard error and exit code out.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod beside;
mod completions;
mod crashes;
mod demo;
mod full_disk;
mod importing;
mod keys;
mod output;
mod pushing;
mod run;
mod second_writer;
mod served;
mod settings;
mod sources;
mod sql_over_http;
mod statements;
