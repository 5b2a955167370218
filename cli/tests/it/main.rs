//! Tests of the `mrrow` binary: arguments in; standard output, standard error and exit code out.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod server_process;
mod test_dir;
mod wait;

mod completions;
mod crashes;
mod demo;
mod full_disk;
mod import;
mod keys;
mod output;
mod push;
mod running_server;
mod settings;
mod sources;
mod sql_over_http;
mod statements;
mod writer_lock;
